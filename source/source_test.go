package source_test

import (
	"encoding/binary"
	"testing"
	"unicode/utf16"

	"github.com/seatrial/seatrial/source"
)

func TestDecode(t *testing.T) {
	const text = "kind: Pod\r\nname: größe 𝄞\n"
	encode := func(mark []byte, order binary.AppendByteOrder) []byte {
		for _, unit := range utf16.Encode([]rune(text)) {
			mark = order.AppendUint16(mark, unit)
		}
		return mark
	}
	for name, c := range map[string]struct {
		data []byte
		is   bool
	}{
		"UTF-8":                {[]byte(text), false},
		"UTF-16 little endian": {encode([]byte{0xff, 0xfe}, binary.LittleEndian), true},
		"UTF-16 big endian":    {encode([]byte{0xfe, 0xff}, binary.BigEndian), true},
	} {
		if got, is := source.Decode(c.data); string(got) != text || is != c.is {
			t.Errorf("%s: %q, %v", name, got, is)
		}
	}
	utf32 := []byte{0xff, 0xfe, 0, 0, 'a', 0, 0, 0}
	if got, is := source.Decode(utf32); is || string(got) != string(utf32) {
		t.Errorf("UTF-32: %q, %v", got, is)
	}
}
