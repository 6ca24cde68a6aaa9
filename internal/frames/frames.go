// Package frames reads and writes embedded data that consists of an index in JSON and pieces that it points to, each
// compressed by itself. A reader decompresses the index and what it needs; a [Writer] makes the data.
//
//	rest, err := frames.ReadIndex(data, &index)
//	piece, err := frames.Decompress(rest[index.Offset : index.Offset+index.Length])
package frames

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
)

var decoder = sync.OnceValue(func() *zstd.Decoder {
	d, err := newDecoder()
	if err != nil {
		panic(err) // wrong options, a defect of this file
	}
	return d
})

func newDecoder(options ...zstd.DOption) (*zstd.Decoder, error) {
	return zstd.NewReader(nil, append(options, zstd.WithDecoderConcurrency(0))...)
}

// ReadIndex reads the index at the beginning of data, and returns what comes after it.
func ReadIndex(data []byte, index any) (rest []byte, err error) {
	if len(data) < 4 {
		return nil, fmt.Errorf("%d bytes are too few", len(data))
	}
	n := int(binary.BigEndian.Uint32(data))
	if n > len(data)-4 {
		return nil, errors.New("cut short")
	}
	text, err := Decompress(data[4 : 4+n])
	if err != nil {
		return nil, fmt.Errorf("index: %w", err)
	}
	if err := json.Unmarshal(text, index); err != nil {
		return nil, fmt.Errorf("index: %w", err)
	}
	return data[4+n:], nil
}

// Decompress returns the content of a piece. It may be called from many goroutines.
func Decompress(piece []byte) ([]byte, error) { return decoder().DecodeAll(piece, nil) }

// dictionaryID names the dictionary in the pieces that need one.
const dictionaryID = 1

// NewDecompressor returns a function that decompresses the pieces that a [Writer] has added after its dictionary. It
// may be called from many goroutines.
func NewDecompressor(dictionary []byte) (func(piece []byte) ([]byte, error), error) {
	d, err := newDecoder(zstd.WithDecoderDictRaw(dictionaryID, dictionary))
	if err != nil {
		return nil, err
	}
	return func(piece []byte) ([]byte, error) { return d.DecodeAll(piece, nil) }, nil
}

// A Writer compresses pieces, and puts an index before them.
type Writer struct {
	options []zstd.EOption
	encoder *zstd.Encoder // of pieces
	plain   *zstd.Encoder // of the index
	pieces  []byte
}

// NewWriter returns a writer that compresses as well as it can, with options of zstd.
func NewWriter(options ...zstd.EOption) (*Writer, error) {
	options = append([]zstd.EOption{
		zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1),
	}, options...)
	encoder, err := zstd.NewWriter(nil, options...)
	return &Writer{options: options, encoder: encoder, plain: encoder}, err
}

// UseDictionary compresses what is added from now on against a text that resembles it. The text is added as a piece,
// whose place is returned.
func (w *Writer) UseDictionary(text []byte) (offset, length int, err error) {
	offset, length = w.Add(text)
	w.encoder, err = zstd.NewWriter(nil, append(w.options, zstd.WithEncoderDictRaw(dictionaryID, text))...)
	return offset, length, err
}

// Add compresses a piece, and returns its place after the index.
func (w *Writer) Add(piece []byte) (offset, length int) {
	packed := w.encoder.EncodeAll(piece, nil)
	offset = len(w.pieces)
	w.pieces = append(w.pieces, packed...)
	return offset, len(packed)
}

// Bytes returns an index and the pieces that were added, as [ReadIndex] reads them.
func (w *Writer) Bytes(index any) ([]byte, error) {
	head, err := json.Marshal(index)
	if err != nil {
		return nil, err
	}
	packed := w.plain.EncodeAll(head, nil)
	out := binary.BigEndian.AppendUint32(nil, uint32(len(packed)))
	return append(append(out, packed...), w.pieces...), nil
}
