package shell_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seatrial/seatrial/internal/cluster/shell"
)

// world has some variables and files, and a service db:5432 that answers from a moment on.
type world struct {
	ready time.Duration
	now   time.Duration // the answers of later moments are not there; 0: of all are
}

func (w world) Variable(name string) (string, bool, bool) {
	value, set := map[string]string{"HOST": "db", "EMPTY": "", "TRIES": "3"}[name]
	return value, set, name != "SECRET"
}
func (w world) Variables() []string { return []string{"EMPTY", "HOST"} }
func (w world) File(name string) shell.File {
	switch {
	case name == "/etc/config/a":
		return shell.File{
			Known: true, Exists: true, Text: "value of a\n", Mode: 0o440, User: "0", Group: "1000", System: "tmpfs",
		}
	case name == "/etc/hosts":
		return shell.File{Known: true, Exists: true, Text: "127.0.0.1\tlocalhost\n"}
	case name == "/etc/resolv.conf":
		return shell.File{
			Known: true, Exists: true, Text: "search shop.svc cluster.local\nnameserver 10.0.0.1\nnameserver 10.0.0.2\n",
		}
	case name == "/etc/config":
		return shell.File{Known: true, Exists: true, Names: []string{"a", "b"}}
	case strings.HasPrefix(name, "/etc/config/"):
		return shell.File{Known: true}
	}
	return shell.File{}
}
func (w world) Reach(host, port string, after time.Duration) shell.Answer {
	switch {
	case w.now > 0 && after > w.now:
		return shell.Later
	case host == "db" && after >= w.ready:
		return shell.Yes
	}
	return shell.No
}
func (w world) Fact(name string) string {
	return map[string]string{"hostname": "web-0", "sysctl kernel.msgmax": "65536"}[name]
}

// TestRun follows scripts: what it comes to is time, exit code (- if it does not end) and output.
func TestRun(t *testing.T) {
	for _, x := range []struct{ name, script, want string }{
		{"nothing known", "server --port 80", "0s - ; assumed server"},
		{"the last program of a script runs on", "echo up; exec server", "0s - up; assumed server"},
		{"others are taken to succeed", "migrate && echo done", "0s 0 done; assumed migrate"},
		{"exit", "echo a; exit 3; echo b", "0s 3 a"},
		{"exit of a subshell", "(exit 3) || echo no", "0s 0 no"},
		{"sleep", "sleep 2; sleep 1m", "1m2s 0"},
		{"condition", "if [ \"$HOST\" = db ]; then echo yes; else echo no; fi", "0s 0 yes"},
		{"negated condition", "if ! test -n \"$EMPTY\"; then exit 4; fi", "0s 4"},
		{"elif", "if false; then :; elif [ 2 -gt 1 ]; then echo b; else echo c; fi", "0s 0 b"},
		{"for", "for i in a b c; do echo $i; sleep 1; done", "3s 0 a b c"},
		{"for with break", "for i in $(seq 1 5); do [ $i -eq 3 ] && break; echo $i; done", "0s 0 1 2"},
		{"for with continue", "for i in 1 2 3; do [ $i = 2 ] && continue; echo $i; done", "0s 0 1 3"},
		{"arithmetic loop", "i=0; while [ $i -lt $TRIES ]; do i=$((i+1)); sleep 2; done; echo $i", "6s 0 3"},
		{"C loop", "for ((i=0; i<3; i++)); do echo $i; done", "0s 0 0 1 2"},
		{"endless loop", "while true; do sleep 10; done", "11h6m30s -"},
		{"endless loop without time", "while true; do :; done", "0s -"},
		{"case", "case $HOST in a*) echo a;; d?) echo d;; *) echo other;; esac", "0s 0 d"},
		{"function", "f() { echo $1; return 2; }; f x; echo $?", "0s 0 x 2"},
		{"set -e", "set -e; false; echo no", "0s 1"},
		{"set -e in a condition", "set -e; false || true; if false; then :; fi; echo yes", "0s 0 yes"},
		{"pipe", "echo found | grep -q found && echo yes", "0s 0 yes"},
		{"pipefail", "set -o pipefail; false | cat", "0s 1"},
		{"double brackets", "[[ $HOST == d* && ! -z $HOST ]] && echo yes", "0s 0 yes"},
		{"default value", "echo ${NONE:-x} ${#HOST}", "0s 0 x 2"},
		{"mounted file", "cat /etc/config/a; ls /etc/config; cat /etc/config/c", "0s 1 value of a a b"},
		{"substitution", "echo \"[$(cat /etc/config/a)]\"", "0s 0 [value of a]"},
		{"own file", "echo one > /tmp/f; echo two >> /tmp/f; cat /tmp/f; rm /tmp/f; test -f /tmp/f", "0s 1 one two"},
		{"here document", "cat <<E\n$HOST\nE", "0s 0 db"},
		{"environment", "env", "0s 0 EMPTY= HOST=db"},
		{"hostname", "hostname", "0s 0 web-0"},
		{"numbers", "expr 7 % 4; expr 2 '*' 3; expr 3 '<' 2 || echo no; expr 1 / 0", "0s 2 3 6 0 no"},
		{"numbers that decide", "if [ $(expr ${TRIES} % 2) -ne 0 ]; then exit 4; fi", "0s 4"},
		{"numbers that are not known", "if [ $(expr $SECRET % 2) -ne 0 ]; then exit 4; fi", "0s 0 ; assumed expr"},
		{
			"bytes", "hexdump -C /etc/config/a",
			"0s 0 00000000 76 61 6c 75 65 20 6f 66 20 61 0a |value of a.| 0000000b",
		},
		{"bytes of nothing", "hexdump -C /etc/config/c", "0s 1"},
		{"parameters of the kernel", "sysctl kernel.msgmax; sysctl -n kernel.msgmax", "0s 0 kernel.msgmax = 65536 65536"},
		{"parameter that nobody sets", "sysctl kernel.shmall", "0s 0 ; assumed sysctl"},
		{"agnhost and names", "agnhost etc-hosts; agnhost dns-suffix; agnhost dns-server-list",
			"0s 0 127.0.0.1 localhost shop.svc,cluster.local 10.0.0.1,10.0.0.2"},
		{"name of a service", "until nslookup db; do sleep 2; done", "10s 0"},
		{
			"port of a service", "until nc -z $HOST 5432; do echo wait; sleep 2; done; echo go",
			"10s 0 wait wait wait wait wait go",
		},
		{"database", "until pg_isready -h db -p 5432; do sleep 3; done", "12s 0"},
		{"limited tries", "for i in $(seq 1 3); do curl -fs http://db/health && exit 0; sleep 1; done; exit 1", "3s 1"},
		{
			"tries that suffice", "for i in $(seq 1 30); do curl -fs http://db/health && exit 0; sleep 1; done; exit 1",
			"10s 0",
		},
		{
			"status code",
			"while [ \"$(curl -s -o /dev/null -w '%{http_code}' http://db)\" != 200 ]; do sleep 5; done",
			"10s 0",
		},
		{
			"status of another program's output",
			"for i in $(seq 1 9); do S=$(wget -S http://db 2>&1 | awk '/HTTP/{print $2}'); if test $S -eq 200; then exit 0; fi; sleep 3; done; exit 1",
			"12s 0 ; assumed awk",
		},
		{"what nothing answers", "until nc -z nowhere 80; do sleep 3600; done", "25h0m0s -"},
		{"not a script that can be read", "if then", "0s - ; assumed sh"},
		{"failure that depends on what is not known", "if x; then exit 1; fi", "0s - ; assumed x"},
		{"failure whatever else there is", "x; exit 1", "0s 1 ; assumed x"},
		{"follows a file", "tail -f /var/log/app", "0s -"},
		{"background", "server & sleep 5", "5s 0 ; assumed background process"},
		{"value that is not known", "[ -n \"$SECRET\" ] || exit 1; echo ok", "0s 0 ok"},
	} {
		t.Run(x.name, func(t *testing.T) {
			r := shell.Run([]string{"sh", "-c", x.script}, world{ready: 10 * time.Second})
			if got := text(r); got != x.want {
				t.Errorf("got %q, want %q", got, x.want)
			}
			if again := text(
				shell.Run([]string{"sh", "-c", x.script}, world{ready: 10 * time.Second}),
			); again != text(r) {
				t.Errorf("another time: %q", again)
			}
		})
	}
}

// text writes a result in one line.
func text(r shell.Result) string {
	code := "-"
	if r.Ends {
		code = fmt.Sprint(r.Code)
	}
	s := strings.TrimSpace(fmt.Sprintf("%v %s %s", r.Takes, code, strings.Join(strings.Fields(r.Output), " ")))
	if len(r.Assumed) > 0 {
		s += "; assumed " + strings.Join(r.Assumed, ", ")
		s = strings.Replace(s, "- ;", "- ;", 1)
	}
	if code == "-" || r.Output == "" {
		s = strings.Replace(s, code+"; assumed", code+" ; assumed", 1)
	}
	return s
}

// TestRunWaits stops a script at the moment whose answer is yet to come.
func TestRunWaits(t *testing.T) {
	script := []string{"/bin/sh", "-c", "sleep 1; until nc -z db 5432; do sleep 2; done; sleep 4"}
	r := shell.Run(script, world{ready: 10 * time.Second, now: 4 * time.Second})
	if !r.Waits || r.Ends || r.Takes != 5*time.Second || !slices.Equal(r.Asks, []string{"db"}) {
		t.Errorf("got %+v", r)
	}
	if r = shell.Run(
		script, world{ready: 10 * time.Second, now: 11 * time.Second},
	); r.Waits || !r.Ends || r.Takes != 15*time.Second {
		t.Errorf("got %+v", r)
	}
}

// TestRunPrograms follows commands that no shell runs, and flags of shells.
func TestRunPrograms(t *testing.T) {
	for want, command := range map[string][]string{
		"0s 3":                                  {"sh", "-c", "exit 3", "name"},
		"5s 0":                                  {"sleep", "5"},
		"0s 1":                                  {"/bin/bash", "-euo", "pipefail", "-c", "false; true"},
		"0s 0 x":                                {"sh", "-c", "echo $1", "sh", "x"},
		"0s - ; assumed nginx":                  {"nginx", "-g", "daemon off;"},
		"0s 0 HOST":                             {"sh", "-ec", "echo HOST"},
		"0s -":                                  {"sleep", "infinity"},
		"0s 0 [/agnhost entrypoint-tester a b]": {"/agnhost", "entrypoint-tester", "a", "b"},
		"0s - Paused":                           {"/agnhost", "pause"},
		"0s - ; assumed agnhost netexec":        {"/agnhost-2", "netexec", "--http-port=8080"},
		`0s 0 mount type of "/etc/config/a": tmpfs perms of file "/etc/config/a": -r--r----- ` +
			`owner UID of "/etc/config/a": 0 owner GID of "/etc/config/a": 1000 content of file "/etc/config/a": value of a`: {
			"agnhost", "mounttest", "--file_content=/etc/config/a", "--fs_type=/etc/config/a", "--file_perm",
			"/etc/config/a",
			"--file_owner=/etc/config/a",
		},
		`0s 0 content of file "/data/f": mount-tester new file mode of file "/data/f": -rw-rw----`: {
			"agnhost", "mounttest", "--new_file_0660=/data/f", "--file_mode=/data/f",
		},
		`0s 1 error reading file content for "/etc/config/c": open /etc/config/c: no such file or directory`: {
			"agnhost", "mounttest", "--file_content=/etc/config/c",
		},
		`4s 1 Error reading file /etc/config/c: open /etc/config/c: no such file or directory, retrying ` +
			`Error reading file /etc/config/c: open /etc/config/c: no such file or directory, retrying`: {
			"agnhost", "mounttest", "--file_content_in_loop=/etc/config/c", "--retry_time=4",
		},
	} {
		if got := text(shell.Run(command, world{})); got != want {
			t.Errorf("%q: got %q, want %q", command, got, want)
		}
	}
	if r := shell.Run(nil, world{}); r.Ends {
		t.Errorf("no command: %+v", r)
	}
}
