// Package clock orders events in a system without a common clock.
package clock
