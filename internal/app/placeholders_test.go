package app

import "testing"

// TestBrokenBesidePlaceholders wants an error for what no value of a placeholder makes readable.
func TestBrokenBesidePlaceholders(t *testing.T) {
	for text, readable := range map[string]bool{
		"data:\n  \"A: ${Q}\n":          false,
		"data:\n  A: ${X}: b\n":         false,
		"data:\n  A: ${X}\n":            true,
		"data:\n  ${X}\n":               true,
		"data:\n  A: b\n  ${X:=c: d}\n": true,
		"${X}\n":                        true,
	} {
		if got := readableFilled([]byte(text)); got != readable {
			t.Errorf("%q: readable %v", text, got)
		}
	}
}
