// Package vsync sends messages to a group whose membership all agree on, so that
// those who live on have delivered the same ones whenever the membership changes:
// virtual synchrony. A sequencer orders what is sent in its view.
package vsync
