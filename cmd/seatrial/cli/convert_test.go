package cli

import (
	"bytes"
	"os"
	"reflect"
	"testing"

	"github.com/seatrial/seatrial/internal/convert"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
)

// TestFormsKeepTheValue writes every manifest of the repository in each form and reads it again.
func TestFormsKeepTheValue(t *testing.T) {
	files, _ := lint.Inputs(
		[]string{"../../../testdata", "../../../rules", "../../../examples", "../../../validation"}, nil,
	)
	seen := 0
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		docs, _ := manifest.Read(source.NewFile(name, data), manifest.DefaultLimits)
		for _, d := range docs {
			for _, form := range convert.Forms {
				var out bytes.Buffer
				if err := form.Write(&out, d.Value(), d); err != nil {
					t.Fatalf("%s, document %d: %v", name, d.Number, err)
				}
				again, findings := manifest.Read(source.NewFile(name, out.Bytes()), manifest.DefaultLimits)
				if len(again) != 1 || !reflect.DeepEqual(again[0].Value(), d.Value()) {
					t.Errorf(
						"%s, document %d is another one as %s: %v\n%s", name, d.Number, form.Name, findings,
						out.Bytes(),
					)
				}
				seen++
			}
		}
	}
	if seen < 100 {
		t.Errorf("only %d conversions tried", seen)
	}
}
