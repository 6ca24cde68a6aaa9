package platform

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
)

// CallSelf runs this program once more with other arguments: request goes to its standard input in JSON, and response
// is read from its standard output. The error ends with what the process wrote to its standard error.
func CallSelf(ctx context.Context, args []string, request, response any) error {
	in, err := json.Marshal(request)
	if err != nil {
		return err
	}
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, exe, args...)
	cmd.Args[0] = os.Args[0] // by which a test binary knows that it is the program
	cmd.Stdin = bytes.NewReader(in)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%w: %s", err, bytes.TrimSpace(errOut.Bytes()))
	}
	if err := json.Unmarshal(out.Bytes(), response); err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	return nil
}
