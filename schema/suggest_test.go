package schema

import "testing"

func TestLikeBuiltinGroup(t *testing.T) {
	for group, want := range map[string]bool{
		"networking.k8s.io":           true,
		"netwroking.k8s.io":           true,
		"networking.k8s.oi":           true,
		"rbac.authorisation.k8s.io":   true,
		"networking.gke.io":           false, // of another domain
		"networking.istio.io":         false,
		"gateway.networking.k8s.io":   false,
		"apps.example.com":            false,
		"admissionregistration.k8.io": true,
	} {
		if got := LikeBuiltinGroup(group); got != want {
			t.Errorf("LikeBuiltinGroup(%q) = %v, want %v", group, got, want)
		}
	}
}
