package main

import (
	"strings"
	"testing"
)

const events = `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:3: chromium is not installed\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"--- SKIP: TestA (0.00s)\n"}
{"Action":"skip","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p","Test":"TestB"}
{"Action":"skip","Package":"empty"}
`

func TestSkippedTestsAreNamedWithTheirReason(t *testing.T) {
	err := check(strings.NewReader(events), nil)
	if err == nil || !strings.Contains(err.Error(), "p TestA: a_test.go:3: chromium is not installed") {
		t.Errorf("got %v", err)
	}
	if strings.Contains(err.Error(), "TestB") || strings.Contains(err.Error(), "empty") {
		t.Errorf("more than the skipped test is named: %v", err)
	}
}

func TestAllowedSkips(t *testing.T) {
	if err := check(strings.NewReader(events), []string{"TestA"}); err != nil {
		t.Error(err)
	}
}
