// Package layers holds the test that states which package may import which.
package layers
