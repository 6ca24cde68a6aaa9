package pages

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
)

// packed returns a script that passes a text to page.js, compressed. Pages that are opened as files may run scripts,
// and read nothing else; in base64 the text has less than a third of its bytes.
func packed(name string, text []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "seatrialData(%q,%q);\n", name, base64.StdEncoding.EncodeToString(b.Bytes())), nil
}
