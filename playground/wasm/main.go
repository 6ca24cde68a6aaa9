//go:build js && wasm

// Command wasm is the part of the playground that runs in a worker of the page: the language server, and convert.
//
// It calls self.seatrial.ready, takes messages of the protocol through self.seatrial.send, and hands its own to
// self.seatrial.receive.
package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log"
	"net/textproto"
	"strconv"
	"syscall/js"

	"github.com/seatrial/seatrial/internal/kubernetes"
	"github.com/seatrial/seatrial/internal/lsp"
	"github.com/seatrial/seatrial/internal/playground"
	"github.com/seatrial/seatrial/schema"
)

func main() {
	p, err := playground.New()
	if err != nil {
		log.Fatal(err)
	}
	page := js.Global().Get("seatrial")
	in, toServer := io.Pipe()
	fromServer, out := io.Pipe()
	messages := make(chan string, 100)
	page.Set("send", js.FuncOf(func(_ js.Value, args []js.Value) any {
		messages <- args[0].String()
		return nil
	}))
	page.Set("convert", js.FuncOf(func(_ js.Value, args []js.Value) any {
		text, err := playground.Convert(args[0].String(), args[1].String(), args[2].String())
		answer := map[string]any{"text": text, "error": ""}
		if err != nil {
			answer["error"] = err.Error()
		}
		return answer
	}))
	go write(toServer, messages)
	go read(fromServer, func(message string) { page.Call("receive", message) })
	versions := []any{}
	for _, v := range schema.Versions() {
		versions = append(versions, v)
	}
	page.Call("ready", versions, kubernetes.Version())
	server := &lsp.Server{Open: p.Open}
	log.Fatal(server.Serve(context.Background(), in, out))
}

// write frames messages for the server.
func write(to io.Writer, messages <-chan string) {
	for m := range messages {
		if _, err := io.WriteString(to, "Content-Length: "+strconv.Itoa(len(m))+"\r\n\r\n"+m); err != nil {
			log.Fatal(err)
		}
	}
}

// read passes the messages of the server on.
func read(from io.Reader, receive func(string)) {
	r := textproto.NewReader(bufio.NewReader(from))
	for {
		header, err := r.ReadMIMEHeader()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			log.Fatal(err)
		}
		size, err := strconv.Atoi(header.Get("Content-Length"))
		if err != nil {
			log.Fatal(err)
		}
		data := make([]byte, size)
		if _, err := io.ReadFull(r.R, data); err != nil {
			log.Fatal(err)
		}
		receive(string(data))
	}
}
