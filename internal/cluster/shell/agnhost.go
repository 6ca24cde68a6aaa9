package shell

import (
	"flag"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"
)

// agnhost follows the program of the image agnhost, with which Kubernetes' examples and tests look at what containers
// get. words are its own name and its arguments.
func agnhost(r *runner, words []string) {
	command := ""
	if len(words) > 1 {
		command = words[1]
	}
	switch command {
	case "mounttest":
		mountTest(r, words[2:])
	case "entrypoint-tester":
		r.print(fmt.Sprintf("%v\n", words))
	case "etc-hosts":
		r.print(agnhostFile(r, "/etc/hosts") + "\n")
	case "dns-server-list":
		r.print(strings.Join(resolver(r, "nameserver"), ",") + "\n")
	case "dns-suffix":
		r.print(strings.Join(resolver(r, "search"), ",") + "\n")
	case "pause":
		r.out.WriteString("Paused\n")
		r.res.Endless = true
		r.stop(false)
	default:
		r.assume(strings.TrimSpace("agnhost " + command))
	}
}

// agnhostFile returns what a file holds.
func agnhostFile(r *runner, name string) string {
	f := r.file(name)
	if !f.Known {
		r.assume("agnhost")
		return good
	}
	return f.Text
}

// resolver returns the values of an option of the resolver's configuration.
func resolver(r *runner, option string) (values []string) {
	for line := range strings.Lines(agnhostFile(r, "/etc/resolv.conf")) {
		if words := strings.Fields(line); len(words) > 1 && words[0] == option {
			values = append(values, words[1:]...)
		}
	}
	return values
}

// newText is what mounttest writes into new files.
const newText = "mount-tester new file\n"

// mountTest prints what is at paths: the type of the file system, modes, owners and contents, in this order; it makes
// new files before it looks.
func mountTest(r *runner, args []string) {
	flags := flag.NewFlagSet("mounttest", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	fsType := flags.String("fs_type", "", "")
	made := map[fs.FileMode]*string{}
	order := []fs.FileMode{0o644, 0o666, 0o660, 0o777}
	for _, mode := range order {
		made[mode] = flags.String(fmt.Sprintf("new_file_%04o", uint32(mode)), "", "")
	}
	mode, perm := flags.String("file_mode", "", ""), flags.String("file_perm", "", "")
	owner, content := flags.String("file_owner", "", ""), flags.String("file_content", "", "")
	loop := flags.String("file_content_in_loop", "", "")
	retry, expected := flags.Int("retry_time", 180, ""), flags.Bool("break_on_expected_content", true, "")
	if err := flags.Parse(args); err != nil {
		r.fail(1, "Error: %v", err)
		return
	}
	m := mounts{r, true}
	m.each(
		*fsType, "statfs",
		func(f File) string { return fmt.Sprintf("mount type of %q: %s\n", *fsType, orUnknown(f.System)) },
	)
	for _, mode := range order {
		if name := *made[mode]; name != "" {
			r.res.Files = append(
				r.res.Files, FileChange{After: r.res.Takes, Path: path.Clean(name), Text: newText, Mode: mode},
			)
			m.content(name)
		}
	}
	m.each(*mode, "Stat", func(f File) string { return fmt.Sprintf("mode of file %q: %s\n", *mode, modeText(f.Mode)) })
	m.each(
		*perm, "Stat",
		func(f File) string { return fmt.Sprintf("perms of file %q: %s\n", *perm, modeText(f.Mode.Perm())) },
	)
	m.each(*owner, "stat", func(f File) string {
		return fmt.Sprintf(
			"owner UID of %[1]q: %[2]s\nowner GID of %[1]q: %[3]s\n", *owner, orUnknown(f.User), orUnknown(f.Group),
		)
	})
	if *content != "" {
		m.content(*content)
	}
	read := true
	for past := 0; *loop != "" && past < *retry; past += 2 {
		var text string
		text, read = m.contentOr(*loop, "Error reading file %[1]s: open %[1]s: no such file or directory, retrying\n")
		if read && *expected {
			if is, _ := r.unknown(text); is || text == newText {
				break
			}
			r.out.WriteString("Unexpected content. Expected: " + newText + ". Retrying\n")
		}
		r.step()
		r.sleep(2 * time.Second)
	}
	r.done(btoi(!m.well || !read))
}

// mounts prints what is at paths.
type mounts struct {
	*runner
	well bool // nothing has failed
}

// each prints what is said of a path, if there is one and something is there.
func (m *mounts) each(name, call string, say func(File) string) {
	if name == "" {
		return
	}
	switch f := m.file(name); {
	case !f.Known:
		m.out.WriteString(good)
	case !f.Exists:
		m.well = false
		fmt.Fprintf(
			m.out, "error from %s(%q): %s %s: no such file or directory\n", call, name, strings.ToLower(call), name,
		)
	default:
		m.out.WriteString(say(f))
	}
}

// content prints the content of a file.
func (m *mounts) content(name string) {
	_, ok := m.contentOr(name, "error reading file content for %[1]q: open %[1]s: no such file or directory\n")
	m.well = m.well && ok
}

// contentOr prints the content of a file, or that it does not exist, and returns it.
func (m *mounts) contentOr(name, missing string) (text string, ok bool) {
	f := m.file(name)
	if f.Known && !f.Exists {
		fmt.Fprintf(m.out, missing, name)
		return "", false
	}
	if text = f.Text; !f.Known {
		text = good
	}
	fmt.Fprintf(m.out, "content of file %q: %s\n", name, text)
	return text, true
}

// modeText returns a mode as Go prints it, or that it is not known.
func modeText(mode fs.FileMode) string {
	if mode == 0 {
		return good
	}
	return mode.String()
}

// orUnknown returns a text, or that it is not known.
func orUnknown(text string) string {
	if text == "" {
		return good
	}
	return text
}
