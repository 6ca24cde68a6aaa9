package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// history is the file that keeps what was measured: a line for each command.
const history = "docs/performance/history.tsv"

const historyHead = "date\tcommit\tgo\tcores\ttask\tcommand\trounds\tmedian s\tlowest s\thighest s\tCPU s\tmemory MB\n"

// remember adds the results of a task to the history.
func remember(t task, results map[string]result) (err error) {
	commit, err := exec.Command("git", "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		return fmt.Errorf("finding the commit: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(history), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(history, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	var b strings.Builder
	if info, err := f.Stat(); err == nil && info.Size() == 0 {
		b.WriteString(historyHead)
	}
	for _, c := range t.contenders {
		r := results[c.name]
		fmt.Fprintf(&b, "%s\t%s\t%s\t%d\t%s\t%s\t%d\t%.3f\t%.3f\t%.3f\t%.3f\t%d\n",
			time.Now().UTC().Format(time.DateOnly), strings.TrimSpace(string(commit)), runtime.Version(),
			runtime.NumCPU(),
			t.name, c.name, t.rounds, r.wall.Seconds(), r.lowest.Seconds(), r.highest.Seconds(), r.cpu.Seconds(),
			r.rss>>20)
	}
	_, err = f.WriteString(b.String())
	return err
}
