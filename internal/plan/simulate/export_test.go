package simulate

import "github.com/seatrial/seatrial/internal/memstore"

// Traced returns an input whose plan passes every write to the store to f.
func (in Input) Traced(f func(memstore.Write)) Input {
	in.trace = f
	return in
}
