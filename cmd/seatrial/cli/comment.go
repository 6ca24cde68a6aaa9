package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/seatrial/seatrial/internal/report"
)

// commentAPI is the API for comments of a platform, for one pull request or merge request.
type commentAPI struct {
	comments string // address of the list, to which new ones are posted
	comment  string // address of one, with %d for its ID
	update   string // method that replaces one
	token    string
	header   string // of the token
	prefix   string // of the token in the header
}

// platformNames are the values of --comment.
var platformNames = []string{"github", "gitlab"}

var pullRequest = regexp.MustCompile(`^refs/pull/(\d+)/`)

// newCommentAPI reads from the environment which pull request a job of a platform is for.
func newCommentAPI(name string, getenv func(string) string) (*commentAPI, error) {
	need := func(names ...string) (values []string, err error) {
		for _, n := range names {
			v := getenv(n)
			if v == "" {
				return nil, usageError(
					"--comment %s: %s is not set; it works in a job for a pull request or merge request", name, n,
				)
			}
			values = append(values, v)
		}
		return values, nil
	}
	switch name {
	case "github":
		v, err := need("GITHUB_REPOSITORY", "GITHUB_REF", "GITHUB_TOKEN")
		if err != nil {
			return nil, err
		}
		m := pullRequest.FindStringSubmatch(v[1])
		if m == nil {
			return nil, usageError("--comment github: %s is no pull request", v[1])
		}
		api := strings.TrimSuffix(cmp.Or(getenv("GITHUB_API_URL"), "https://api.github.com"), "/") + "/repos/" + v[0] +
			"/issues/"
		return &commentAPI{
			comments: api + m[1] + "/comments", comment: api + "comments/%d", update: http.MethodPatch,
			token: v[2], header: "Authorization", prefix: "Bearer ",
		}, nil
	case "gitlab":
		v, err := need("CI_API_V4_URL", "CI_PROJECT_ID", "CI_MERGE_REQUEST_IID", "GITLAB_TOKEN")
		if err != nil {
			return nil, err
		}
		notes := fmt.Sprintf(
			"%s/projects/%s/merge_requests/%s/notes", strings.TrimSuffix(v[0], "/"), url.PathEscape(v[1]),
			url.PathEscape(v[2]),
		)
		return &commentAPI{
			comments: notes, comment: notes + "/%d", update: http.MethodPut, token: v[3], header: "Private-Token",
		}, nil
	}
	return nil, usageError("invalid --comment %q: want %s", name, strings.Join(platformNames, " or "))
}

// errForbidden is the answer to a token that may not comment, as that of a pull request from a fork.
var errForbidden = errors.New("the token may not write comments")

// maxPages bounds how many pages of comments are looked at, of 100 comments each.
const maxPages = 30

// post writes a comment, in place of that of an earlier review if there is one.
func (p *commentAPI) post(ctx context.Context, text string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	id, err := p.find(ctx)
	if err != nil {
		return err
	}
	body, err := json.Marshal(map[string]string{"body": text})
	if err != nil {
		return err
	}
	if id != 0 {
		_, err = p.do(ctx, p.update, fmt.Sprintf(p.comment, id), body)
		return err
	}
	_, err = p.do(ctx, http.MethodPost, p.comments, body)
	return err
}

// find returns the ID of the comment of an earlier review; 0: there is none.
func (p *commentAPI) find(ctx context.Context) (id int64, err error) {
	for page := 1; page <= maxPages; page++ {
		data, err := p.do(ctx, http.MethodGet, fmt.Sprintf("%s?per_page=100&page=%d", p.comments, page), nil)
		if err != nil {
			return 0, err
		}
		var comments []struct {
			ID   int64
			Body string
		}
		if err := json.Unmarshal(data, &comments); err != nil {
			return 0, fmt.Errorf("reading the comments: %w", err)
		}
		for _, c := range comments {
			if strings.HasPrefix(c.Body, report.ReviewMarker) {
				return c.ID, nil
			}
		}
		if len(comments) < 100 {
			break
		}
	}
	return 0, nil
}

// client follows no redirect, which would take the token to another host.
var client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 32 << 20

func (p *commentAPI) do(ctx context.Context, method, address string, body []byte) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set(p.header, p.prefix+p.token)
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Content-Type", "application/json")
	answer, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	switch {
	case err != nil:
		return nil, err
	case answer.StatusCode == http.StatusForbidden || answer.StatusCode == http.StatusUnauthorized:
		return nil, fmt.Errorf("%s %s: %s: %w", method, address, answer.Status, errForbidden)
	case answer.StatusCode >= 300:
		return nil, fmt.Errorf("%s %s: %s", method, address, answer.Status)
	}
	return data, nil
}
