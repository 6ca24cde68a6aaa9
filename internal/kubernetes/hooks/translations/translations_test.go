package translations_test

import (
	"testing"

	_ "k8s.io/kubectl/pkg/cmd/options" // asks for translations when it is initialised

	"github.com/seatrial/seatrial/internal/kubernetes/hooks/translations"
)

func TestTranslationsAreSkippedAtTheStart(t *testing.T) {
	if translations.Skipped() == 0 {
		t.Error("kubectl's commands were initialised without asking for our translations")
	}
}
