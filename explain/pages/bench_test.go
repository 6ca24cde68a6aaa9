package pages_test

import (
	"testing"

	"github.com/seatrial/seatrial/explain/pages"
	"github.com/seatrial/seatrial/schema"
)

func BenchmarkWrite(b *testing.B) {
	for b.Loop() {
		site, err := pages.New(pages.Options{Versions: []string{schema.Latest}})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := site.Write(b.TempDir()); err != nil {
			b.Fatal(err)
		}
	}
}
