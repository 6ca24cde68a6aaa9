package redact

import "testing"

func TestMayHoldSecret(t *testing.T) {
	for text, want := range map[string]bool{
		"kind: Secret":                     true,
		"kind: 'Secret'":                   true,
		`{"kind":"Secret"}`:                true,
		`last: "{\"kind\":\"Secret\"}"`:    true,
		"kind:\n  Secret":                  true,
		"kind: >-\n  Secret":               true,
		"kind: &kind Secret":               true,
		"kind: !!str Secret":               true,
		"? kind\n: Secret":                 true,
		"[a, Secret]":                      true,
		"kind: SecretList":                 true,
		"kind: EncryptionConfiguration":    true,
		"kind: ExternalSecret":             false,
		"imagePullSecrets: []":             false,
		"description: Name of the Secret.": false,
	} {
		if got := mayHoldSecret([]byte(text)); got != want {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
}
