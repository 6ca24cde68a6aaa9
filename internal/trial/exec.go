package trial

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	restclient "k8s.io/client-go/rest"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/client-go/util/exec"
	kubectlexec "k8s.io/kubectl/pkg/cmd/exec"
	"k8s.io/kubectl/pkg/cmd/util"

	"github.com/seatrial/seatrial/internal/cluster/apiserver"
	"github.com/seatrial/seatrial/internal/cluster/kubelet"
)

// newExecCommand returns kubectl's command with an executor that needs no connection.
func newExecCommand(f util.Factory, streams genericiooptions.IOStreams) *cobra.Command {
	cmd := kubectlexec.NewCmdExec(f, streams)
	cmd.Run = func(cmd *cobra.Command, args []string) {
		o := &kubectlexec.ExecOptions{
			StreamOptions: kubectlexec.StreamOptions{IOStreams: streams}, Executor: simulatedExecutor{},
		}
		flags := cmd.Flags()
		o.ContainerName, _ = flags.GetString("container") // the flags are kubectl's
		o.Filenames, _ = flags.GetStringSlice("filename")
		o.Quiet, _ = flags.GetBool("quiet")
		util.CheckErr(o.Complete(f, cmd, args, cmd.ArgsLenAtDash()))
		util.CheckErr(o.Validate())
		util.CheckErr(o.Run())
	}
	return cmd
}

// newConnectedExec returns kubectl's command, which connects to the container.
func newConnectedExec(f util.Factory, streams genericiooptions.IOStreams) *cobra.Command {
	return kubectlexec.NewCmdExec(f, streams)
}

// simulatedExecutor asks the API server what a command prints.
type simulatedExecutor struct{}

// Execute asks what the command of a URL prints, and prints it.
func (e simulatedExecutor) Execute(
	u *url.URL, config *restclient.Config, in io.Reader, out, errOut io.Writer, tty bool,
	size remotecommand.TerminalSizeQueue,
) error {
	return e.ExecuteWithContext(context.Background(), u, config, in, out, errOut, tty, size)
}

// ExecuteWithContext is Execute. A context from outside would not end in virtual time.
func (simulatedExecutor) ExecuteWithContext(
	ctx context.Context, u *url.URL, config *restclient.Config, _ io.Reader, out, errOut io.Writer, _ bool,
	_ remotecommand.TerminalSizeQueue,
) error {
	client, err := restclient.UnversionedRESTClientFor(config)
	if err != nil {
		return err
	}
	request := client.Verb(http.MethodPost).RequestURI(u.RequestURI()).SetHeader(apiserver.ExecHeader, "json")
	result := request.Do(ctx)
	if err := result.Error(); err != nil { // with the server's words, which Raw leaves out
		return err
	}
	data, err := result.Raw()
	if err != nil {
		return err
	}
	var printed kubelet.Output
	if err := json.Unmarshal(data, &printed); err != nil {
		return fmt.Errorf("reading what the command printed: %w", err)
	}
	if _, err := io.WriteString(out, printed.Out); err != nil {
		return err
	}
	if errOut != nil {
		if _, err := io.WriteString(errOut, printed.Err); err != nil {
			return err
		}
	}
	if printed.Code != 0 {
		err := fmt.Errorf("command terminated with exit code %d", printed.Code)
		return exec.CodeExitError{Err: err, Code: int(printed.Code)}
	}
	return nil
}
