// Package lean keeps the resident memory of a short command small: it gives back what the start of the
// program touched of its own file. Importing it is enough; a command that goes on for longer calls
// [Release] once more.
package lean
