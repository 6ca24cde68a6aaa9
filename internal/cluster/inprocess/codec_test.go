package inprocess

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/seatrial/seatrial/internal/kubernetes/registry"
)

func TestUnreadResponsesAreNotReferences(t *testing.T) {
	for method, has := range map[string]bool{http.MethodGet: true, http.MethodPut: true, http.MethodDelete: false} {
		req, err := http.NewRequest(method, "http://seatrial/api/v1/namespaces/default/pods/web", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept", AcceptRefs)
		served := serverRequest(req, context.Background())
		if got := strings.Contains(served.Header.Get("Accept"), registry.RefMediaType); got != has {
			t.Errorf("%s accepts references: %t, want %t", method, got, has)
		}
	}
}
