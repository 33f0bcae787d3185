// Package models has models whose numbers of states are known from elsewhere:
// Stateright's examples and TLA+ specifications, built again from what they
// say. An explorer that counts as they do expands what it should, and nothing
// twice.
package models
