package globals

import (
	"math/rand"
	"testing"

	utilrand "k8s.io/apimachinery/pkg/util/rand"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/features"
)

func TestSeedDecidesWhatIsDrawn(t *testing.T) {
	type drawn struct {
		uid, suffix string
		jitter      float64
	}
	draw := func(seed int64) drawn {
		defer Set(seed)()
		return drawn{string(uuid.NewUUID()), utilrand.String(5), rand.Float64()}
	}
	if a, b := draw(7), draw(7); a != b {
		t.Errorf("drew %v, then %v", a, b)
	}
	a, b := draw(7), draw(8)
	if a.uid == b.uid || a.suffix == b.suffix || a.jitter == b.jitter {
		t.Errorf("drew %v of one seed and %v of another", a, b)
	}
}

// Set drops the second default handler: if upstream adds or moves one, it drops the wrong one.
func TestErrorHandlersAreTheKnownTwo(t *testing.T) {
	if n := len(utilruntime.ErrorHandlers); n != 2 {
		t.Errorf("there are %d default error handlers, want 2: one that logs and one that slows down", n)
	}
}

func TestWhatIsReplacedComesBack(t *testing.T) {
	before, gate := wait.NeverStop, features.FeatureGates().Enabled(features.WatchListClient)
	restore := Set(1)
	SetInside()
	if wait.NeverStop == before {
		t.Error("wait.NeverStop is that of the outside")
	}
	if features.FeatureGates().Enabled(features.WatchListClient) {
		t.Error("clients watch before they list")
	}
	restore()
	if wait.NeverStop != before || features.FeatureGates().Enabled(features.WatchListClient) != gate {
		t.Error("something was not restored")
	}
}
