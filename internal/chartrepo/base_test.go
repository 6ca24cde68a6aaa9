package chartrepo

import "testing"

func TestRedactedHidesCredentials(t *testing.T) {
	for text, want := range map[string]string{
		"https://ann:word@git.example.com/shop//base?ref=v1":  "https://git.example.com/shop//base?ref=v1",
		"git::https://token@git.example.com/shop":             "git::https://git.example.com/shop",
		"ssh://git:word@git.example.com/shop":                 "ssh://git.example.com/shop",
		"ssh://git@git.example.com/shop":                      "ssh://git@git.example.com/shop",
		"git@git.example.com:shop.git":                        "git@git.example.com:shop.git",
		"unable to access 'https://token@git.example.com/a/'": "unable to access 'https://git.example.com/a/'",
		"https://git.example.com/shop/a@b.yaml":               "https://git.example.com/shop/a@b.yaml",
	} {
		if got := Redacted(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}
