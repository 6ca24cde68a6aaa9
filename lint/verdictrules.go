package lint

import (
	"slices"

	"github.com/seatrial/seatrial/diag"
)

// UpdateRefused is the name of the rule whose findings are about changes of what Options.Base has.
const UpdateRefused = "update-refused"

// The rules that lint itself speaks for. The verdict rules cannot be switched off.
var (
	ruleSyntax = &Rule{
		Name:        "yaml-syntax",
		Equivalents: "monokle YML001 to YML021, kubeconform, kubectl-validate",
		Title:       "the file is not valid YAML or JSON",
		Severity:    diag.Error,
		Category:    "verdict",
		Doc: "A client cannot read the document, so nothing of it would reach the API server. The message " +
			"says what is wrong in plain words; the YAML library's own message stands in the detail.",
	}
	ruleTab = &Rule{
		Name:        "yaml-tab",
		Equivalents: "monokle YML019",
		Title:       "tab in indentation",
		Severity:    diag.Error,
		Category:    "verdict",
		Doc:         "YAML forbids tabs in indentation. `seatrial lint --fix` converts them to spaces.",
	}
	ruleDuplicateKey = &Rule{
		Name:        "yaml-duplicate-key",
		Equivalents: "monokle YML010, kubeconform -strict",
		Title:       "key given twice in one mapping",
		Severity:    diag.Error,
		Category:    "verdict",
		Doc: "Clients keep the last value and lose the first one silently; the server with strict field " +
			"validation refuses the document.",
	}
	ruleKindUnknown = &Rule{
		Name:        "kind-unknown",
		Equivalents: "pluto removed, monokle K8S003 and K8S004, kubeconform, kubectl-validate",
		Title:       "no such kind in this Kubernetes version",
		Severity:    diag.Error,
		Category:    "verdict",
		Doc: "The API server does not serve the kind in this API version: it is misspelt, was removed, is not there " +
			"yet, or belongs to a custom resource whose definition is neither in the set nor under `--crds`. " +
			"Alpha and most beta API versions are served only with `--runtime-config` or `--feature-gates`, which lint takes, too. " +
			"`--ignore-missing-schemas` accepts unknown kinds and counts them in the summary.",
	}
	ruleFieldUnknown = &Rule{
		Name:        "field-unknown",
		Equivalents: "kubeconform -strict, kubectl-validate",
		Title:       "field that the type does not have",
		Severity:    diag.Error,
		Category:    "verdict",
		Doc: "With `fieldValidation: Strict`, which kubectl asks for, the API server refuses fields that it " +
			"does not know. Without it they would be dropped silently.",
	}
	ruleFieldType = &Rule{
		Name:        "field-type",
		Equivalents: "monokle K8S001, kubeconform, kubectl-validate",
		Title:       "value of the wrong type",
		Severity:    diag.Error,
		Category:    "verdict",
		Doc: "The value cannot be decoded into the type of the field: a string where a number is wanted, a " +
			"mapping where a list is wanted.",
	}
	ruleAPIServer = &Rule{
		Name: "api-server",
		Equivalents: "in part: kube-linter mismatching-selector and invalid-target-ports, kube-score label-values, " +
			"kubectl-validate",
		Title:    "the API server's validation refuses the object",
		Severity: diag.Error,
		Category: "verdict",
		Doc: "The API server's own validation, linked into this program, was asked for a dry-run create. " +
			"The message is the server's, the reason its cause type.",
	}
	ruleDuplicate = &Rule{
		Name:     "object-duplicate",
		Title:    "one object defined twice in the set",
		Severity: diag.Error,
		Category: "verdict",
		Doc: "Two documents define the same kind, namespace and name: creating the set fails at the second one " +
			"(AlreadyExists), applying it lets the second silently replace the first.",
	}
	ruleScope = &Rule{
		Name:     "namespace-scope",
		Title:    "namespace that the kind may not have",
		Severity: diag.Error,
		Category: "verdict",
		Doc: "Cluster-scoped objects live in no namespace. The API server ignores one that the manifest names, " +
			"so that the object is not where its author thinks: a warning. A namespace that differs from that of " +
			"the request is refused.",
	}
	ruleUpdate = &Rule{
		Name:     UpdateRefused,
		Title:    "change that the API server refuses",
		Severity: diag.Error,
		Category: "verdict",
		Doc: "With `--base`, an object that is in the base and in the set is judged as the update that `kubectl apply` asks " +
			"for: immutable fields, claims that shrink, transition rules of custom resources. The finding is at the field that " +
			"differs and shows what it was; `--verbose` shows the server's own words.",
	}

	ruleDeprecated = &Rule{
		Name: "api-version-deprecated",
		Equivalents: "kube-linter no-extensions-v1beta, kube-score stable-version, popeye 403, pluto deprecated, " +
			"monokle K8S002",
		Title:    "API version that is on its way out",
		Severity: diag.Warning,
		Category: "lifecycle",
		URL:      "https://kubernetes.io/docs/reference/using-api/deprecation-guide/",
		Doc: "The target Kubernetes version still serves this API version but has deprecated it. The " +
			"message names the release of removal and the replacement where there is one.",
	}
	ruleServerWarning = &Rule{
		Name:     "api-server-warning",
		Title:    "the API server accepts the object with a warning",
		Severity: diag.Warning,
		Category: "lifecycle",
		Doc: "The API server would answer with a Warning header, which kubectl prints: a deprecated field, a " +
			"value that does not do what it seems to, a duplicate entry.",
	}
	ruleFieldGated = &Rule{
		Name:     "field-gated",
		Title:    "field that the API server drops",
		Severity: diag.Warning,
		Category: "lifecycle",
		URL:      "https://kubernetes.io/docs/reference/command-line-tools-reference/feature-gates/",
		Doc: "The field belongs to a feature whose gate is off by default. The API server accepts the object, without a " +
			"warning, and stores it without the field. For a cluster in which the gate is on, pass `--feature-gates " +
			"NAME=true`. The linked Kubernetes alone is judged.",
	}
	ruleLookalike = &Rule{
		Name:     "lookalike-character",
		Title:    "character that looks like a quote, a space, or nothing",
		Severity: diag.Warning,
		Category: "config",
		Doc: "Word processors and web pages put no-break spaces, zero-width characters and curly quotes where a program " +
			"wants plain ones. YAML takes them for text: they become part of the name, the image or the argument. Text in the data " +
			"of ConfigMaps and Secrets and in annotations is not looked at.",
	}
	ruleAnchorUnused = &Rule{
		Name:     "yaml-anchor-unused",
		Title:    "anchor that no alias names",
		Severity: diag.Info,
		Category: "config",
		Optional: true,
		Doc: "An anchor holds for its own document: an alias behind the next `---` does not know it. Nothing takes the value " +
			"that is named, so that a change of it reaches one place where several may be meant.",
	}
	ruleForeign = &Rule{
		Name:     "suppression-foreign",
		Title:    "suppression of another tool that is honoured",
		Severity: diag.Info,
		Category: "config",
		Optional: true,
		Doc: "With `honor` in the configuration the annotations and comments of other tools silence rules here as well. When " +
			"such a tool goes, `seatrial lint --fix --rules default,suppression-foreign` writes seatrial's own in their place, for " +
			"the rules that find something there. A comment, which holds for its document, becomes annotations; checks that are " +
			"no rules here stay as they are.",
	}
	ruleSuppressionInvalid = &Rule{
		Name:     "suppression-invalid",
		Title:    "suppression that cannot be honoured",
		Severity: diag.Error,
		Category: "config",
		Doc: "A suppression names a rule and gives a reason: `# seatrial:ignore image-tag-latest rebuilt " +
			"nightly`. Verdicts of the API server cannot be suppressed.",
	}
	ruleSuppressionStale = &Rule{
		Name:     "suppression-stale",
		Title:    "suppression that silences nothing",
		Severity: diag.Warning,
		Category: "config",
		Doc:      "The rule finds nothing at this place any more; the comment or annotation misleads the next reader.",
	}
)

// OwnRules lists the rules that package lint checks itself: the verdicts first, then advice.
var OwnRules = []*Rule{
	ruleSyntax, ruleTab, ruleDuplicateKey, ruleKindUnknown, ruleFieldUnknown, ruleFieldType, ruleAPIServer,
	ruleDuplicate, ruleScope,
	ruleUpdate,
	ruleDeprecated, ruleServerWarning, ruleFieldGated, ruleLookalike, ruleAnchorUnused,
	ruleForeign, ruleSuppressionInvalid, ruleSuppressionStale,
}

// Suppressible reports whether findings of a rule can be silenced.
func Suppressible(name string) bool {
	return !isVerdictRule(name) && name != ruleSuppressionInvalid.Name && name != ruleSuppressionStale.Name &&
		name != ruleForeign.Name
}

// rejects reports whether findings of a rule keep an object from being created.
func rejects(name string) bool { return isVerdictRule(name) && name != ruleUpdate.Name }

// isVerdictRule reports whether a name is that of a rule which cannot be switched off.
func isVerdictRule(name string) bool {
	is := func(r *Rule) bool { return r.Name == name && r.Category == "verdict" }
	return slices.ContainsFunc(OwnRules, is) || slices.ContainsFunc(DryRunRules, is)
}
