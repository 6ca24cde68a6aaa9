package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// commentServer plays the APIs of GitHub and GitLab for the comments of one pull request.
type commentServer struct {
	*httptest.Server
	t         *testing.T
	comments  []string // bodies; the ID is the index plus 100
	writes    []string // method and path
	forbidden bool
}

func newCommentServer(t *testing.T, others int) *commentServer {
	s := &commentServer{t: t}
	for i := range others {
		s.comments = append(s.comments, fmt.Sprintf("comment %d, not <!-- seatrial-review -->", i))
	}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

var (
	commentList = regexp.MustCompile(`^/(repos/shop/shop/issues/7/comments|projects/5/merge_requests/7/notes)$`)
	oneComment  = regexp.MustCompile(`^/(?:repos/shop/shop/issues/comments|projects/5/merge_requests/7/notes)/(\d+)$`)
)

func (s *commentServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer token" && r.Header.Get("Private-Token") != "token" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	var sent struct{ Body string }
	if r.Method != http.MethodGet {
		s.writes = append(s.writes, r.Method+" "+r.URL.Path)
		data, err := io.ReadAll(r.Body)
		if err != nil || json.Unmarshal(data, &sent) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		if s.forbidden {
			w.WriteHeader(http.StatusForbidden)
			return
		}
	}
	m := oneComment.FindStringSubmatch(r.URL.Path)
	switch {
	case m != nil &&
		(r.Method == http.MethodPatch && strings.HasPrefix(
			r.URL.Path, "/repos",
		) || r.Method == http.MethodPut && strings.HasPrefix(
			r.URL.Path, "/projects",
		)):
		id, _ := strconv.Atoi(m[1])
		if id -= 100; id < 0 || id >= len(s.comments) {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		s.comments[id] = sent.Body
	case commentList.MatchString(r.URL.Path) && r.Method == http.MethodPost:
		s.comments = append(s.comments, sent.Body)
		w.WriteHeader(http.StatusCreated)
	case commentList.MatchString(r.URL.Path) && r.Method == http.MethodGet:
		page, _ := strconv.Atoi(r.URL.Query().Get("page"))
		size, _ := strconv.Atoi(r.URL.Query().Get("per_page"))
		list := []map[string]any{}
		for i := (page - 1) * size; i < min(page*size, len(s.comments)); i++ {
			list = append(list, map[string]any{"id": i + 100, "body": s.comments[i]})
		}
		_ = json.NewEncoder(w).Encode(list)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// reviewed returns a repository with a commit that changes an image, as CI checks a pull request out.
func reviewed(t *testing.T) *repository {
	r := newRepository(t)
	r.write("a.yaml", deployment(0, "nginx:1.25"))
	r.commit("begin")
	r.git("checkout", "--quiet", "-b", "change")
	r.write("a.yaml", deployment(0, "nginx:1.26"))
	r.commit("change")
	r.git("checkout", "--quiet", "main")
	r.git("merge", "--quiet", "--no-ff", "--message", "merge", "change")
	return r
}

// check holds that there is one comment of a review, with a text.
func (s *commentServer) check(want string, writes ...string) {
	s.t.Helper()
	var found []string
	for _, c := range s.comments {
		if strings.HasPrefix(c, "<!-- seatrial-review -->") {
			found = append(found, c)
		}
	}
	if len(found) != 1 || !strings.Contains(found[0], want) {
		s.t.Errorf("comments %q, want one with %q", found, want)
	}
	if fmt.Sprint(s.writes) != fmt.Sprint(writes) {
		s.t.Errorf("requests %q, want %q", s.writes, writes)
	}
}

func TestGitHubActionReviews(t *testing.T) {
	var action struct {
		Inputs map[string]struct{ Default string }
		Runs   struct {
			Steps []struct {
				Run string
				Env map[string]string
			}
		}
	}
	data, err := os.ReadFile(filepath.Join(repo, "action.yml"))
	if err != nil {
		t.Fatal(err)
	}
	decodeYAML(t, data, &action)
	r := reviewed(t)
	s := newCommentServer(t, 150) // on two pages
	env := []string{
		"GITHUB_REPOSITORY=shop/shop", "GITHUB_REF=refs/pull/7/merge", "GITHUB_API_URL=" + s.URL,
		"GITHUB_SERVER_URL=https://github.example.com",
		"GITHUB_RUN_ID=42", "GITHUB_SHA=HEAD", "GITHUB_ACTION_PATH=/nonexistent", "RUNNER_TEMP=" + t.TempDir(),
		"GITHUB_PATH=/dev/null",
	}
	given := map[string]string{"mode": "review", "plan": "none", "token": "token"}
	var script strings.Builder
	for _, step := range action.Runs.Steps {
		for name, value := range step.Env {
			input := strings.TrimSuffix(strings.TrimPrefix(value, "${{ inputs."), " }}")
			if v, ok := given[input]; ok {
				env = append(env, name+"="+v)
			} else {
				env = append(env, name+"="+action.Inputs[input].Default)
			}
		}
		script.WriteString(step.Run + "\n")
	}
	shallow := &repository{t, t.TempDir()} // as actions/checkout leaves it
	shallow.git("clone", "--quiet", "--depth=1", "file://"+r.dir, ".")
	for range 2 {
		if out, code := shell(t, shallow.dir, script.String(), env...); code != exitClean {
			t.Fatalf("exit code %d\n%s", code, out)
		}
	}
	s.check(
		"nginx:1.25 -&gt; nginx:1.26", "POST /repos/shop/shop/issues/7/comments",
		"PATCH /repos/shop/shop/issues/comments/250",
	)
	if last := s.comments[len(s.comments)-1]; !strings.Contains(last, "[The whole report](<https://github.example.com/shop/shop/actions/runs/42>)") {
		t.Errorf("no link to the page: %s", last)
	}
	page, err := os.ReadFile(filepath.Join(shallow.dir, "seatrial-review.html"))
	if err != nil || !strings.Contains(string(page), "Content-Security-Policy") {
		t.Errorf("the page: %v", err)
	}
	s.forbidden = true // a pull request from a fork
	if out, code := shell(t, shallow.dir, script.String(), env...); code != exitClean ||
		!strings.Contains(out, "may not write comments") || strings.Contains(out, "Bearer") {
		t.Errorf("exit code %d\n%s", code, out)
	}
}

func TestGitLabJobReviews(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(repo, "docs/gitlab-ci.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var jobs map[string]struct {
		Script    []string
		Artifacts struct{ Paths []string }
	}
	decodeYAML(t, data, &jobs)
	job := jobs["seatrial-review"]
	r := reviewed(t)
	s := newCommentServer(t, 3)
	env := []string{
		"CI_API_V4_URL=" + s.URL, "CI_PROJECT_ID=5", "CI_MERGE_REQUEST_IID=7", "GITLAB_TOKEN=token",
		"CI_JOB_URL=https://gitlab.example.com/job",
		"CI_MERGE_REQUEST_DIFF_BASE_SHA=" + strings.TrimSpace(r.git("rev-parse", "HEAD^1")),
	}
	for range 2 {
		if out, code := shell(t, r.dir, strings.Join(job.Script, "\n"), env...); code != exitClean {
			t.Fatalf("exit code %d\n%s", code, out)
		}
	}
	s.check(
		"nginx:1.25 -&gt; nginx:1.26", "POST /projects/5/merge_requests/7/notes",
		"PUT /projects/5/merge_requests/7/notes/103",
	)
	if _, err := os.Stat(filepath.Join(r.dir, job.Artifacts.Paths[0])); err != nil {
		t.Error(err)
	}
	if out, code := shell(t, r.dir, "seatrial review --comment gitlab"); code != exitUsage ||
		!strings.Contains(out, "CI_API_V4_URL is not set") {
		t.Errorf("exit code %d\n%s", code, out)
	}
}

func TestReviewHook(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(repo, ".pre-commit-hooks.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var hooks []struct {
		ID, Entry string
		Stages    []string
	}
	decodeYAML(t, data, &hooks)
	for _, h := range hooks {
		if h.ID != "seatrial-review" {
			continue
		}
		r := newRepository(t)
		r.write("a.yaml", deployment(0, "nginx:1.25"))
		r.commit("begin")
		r.git("checkout", "--quiet", "-b", "change")
		r.write("a.yaml", deployment(0, "nginx:1.26"))
		r.commit("change")
		if out, code := shell(t, r.dir, h.Entry); code != exitClean || !strings.Contains(out, "nginx:1.26") {
			t.Errorf("exit code %d\n%s", code, out)
		}
		r.replace("a.yaml", "{app: web-0}", "{app: other}")
		r.commit("refused")
		if out, code := shell(t, r.dir, h.Entry); code != exitFindings || !strings.Contains(out, "update-refused") {
			t.Errorf("exit code %d\n%s", code, out)
		}
		if len(h.Stages) != 1 || h.Stages[0] != "pre-push" {
			t.Errorf("stages %q", h.Stages)
		}
		return
	}
	t.Error("there is no hook seatrial-review")
}

// decodeYAML decodes a part of a YAML text.
func decodeYAML(t *testing.T, data []byte, into any) {
	t.Helper()
	if err := yaml.Unmarshal(data, into); err != nil {
		t.Fatal(err)
	}
}
