package main

import (
	"bytes"
	"os"
	"testing"
)

// TestDeclaredRulesAreFresh reads the tags of the linked version's types again.
func TestDeclaredRulesAreFresh(t *testing.T) {
	want, err := generateDeclared()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../declared.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("declared.json is not what the sources say: run go run ./schema/bundle/gen -only declared.json")
	}
}
