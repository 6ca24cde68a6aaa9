package lsp

import (
	"encoding/json"

	"github.com/sourcegraph/jsonrpc2"
)

// The part of the Language Server Protocol, version 3.17, that is spoken here. Names are the protocol's.

type position struct {
	Line      int `json:"line"`      // from 0
	Character int `json:"character"` // from 0, in units of the encoding that was agreed on
}

type textRange struct {
	Start position `json:"start"`
	End   position `json:"end"`
}

type location struct {
	URI   string    `json:"uri"`
	Range textRange `json:"range"`
}

type initializeParams struct {
	Capabilities          clientCapabilities `json:"capabilities"`
	InitializationOptions *Settings          `json:"initializationOptions"`
}

// clientCapabilities are what an editor supports, as far as it matters here.
type clientCapabilities struct {
	General struct {
		PositionEncodings []string `json:"positionEncodings"`
	} `json:"general"`
	TextDocument struct {
		Diagnostic *struct{} `json:"diagnostic"`
		Completion struct {
			CompletionItem struct {
				SnippetSupport bool `json:"snippetSupport"`
			} `json:"completionItem"`
		} `json:"completion"`
	} `json:"textDocument"`
	Workspace struct {
		Diagnostics struct {
			RefreshSupport bool `json:"refreshSupport"`
		} `json:"diagnostics"`
	} `json:"workspace"`
	Window struct {
		WorkDoneProgress bool `json:"workDoneProgress"`
	} `json:"window"`
}

type configurationParams struct {
	Settings struct {
		Seatrial *Settings `json:"seatrial"`
	} `json:"settings"`
}

type cancelParams struct {
	ID jsonrpc2.ID `json:"id"`
}

type initializeResult struct {
	Capabilities serverCapabilities `json:"capabilities"`
	ServerInfo   serverInfo         `json:"serverInfo"`
}

type serverInfo struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
}

type serverCapabilities struct {
	PositionEncoding          string                  `json:"positionEncoding"`
	TextDocumentSync          textDocumentSyncOptions `json:"textDocumentSync"`
	HoverProvider             bool                    `json:"hoverProvider"`
	CompletionProvider        completionOptions       `json:"completionProvider"`
	CodeActionProvider        codeActionOptions       `json:"codeActionProvider"`
	DocumentSymbolProvider    bool                    `json:"documentSymbolProvider"`
	DefinitionProvider        bool                    `json:"definitionProvider"`
	ReferencesProvider        bool                    `json:"referencesProvider"`
	DocumentHighlightProvider bool                    `json:"documentHighlightProvider"`
	RenameProvider            renameOptions           `json:"renameProvider"`
	WorkspaceSymbolProvider   bool                    `json:"workspaceSymbolProvider"`
	ExecuteCommandProvider    executeCommandOptions   `json:"executeCommandProvider"`
	DiagnosticProvider        *diagnosticOptions      `json:"diagnosticProvider,omitempty"`
	FoldingRangeProvider      bool                    `json:"foldingRangeProvider"`
	SelectionRangeProvider    bool                    `json:"selectionRangeProvider"`
	DocumentLinkProvider      struct{}                `json:"documentLinkProvider"`
	CodeLensProvider          struct{}                `json:"codeLensProvider"`
	FormattingProvider        bool                    `json:"documentFormattingProvider"`
	InlayHintProvider         bool                    `json:"inlayHintProvider"`
}

type executeCommandOptions struct {
	Commands []string `json:"commands"`
}

type executeCommandParams struct {
	Command   string            `json:"command"`
	Arguments []json.RawMessage `json:"arguments"`
}

type diagnosticOptions struct {
	Identifier            string `json:"identifier"`
	InterFileDependencies bool   `json:"interFileDependencies"`
	WorkspaceDiagnostics  bool   `json:"workspaceDiagnostics"`
}

type documentDiagnosticParams struct {
	TextDocument     textDocument `json:"textDocument"`
	PreviousResultID string       `json:"previousResultId"`
}

type workspaceDiagnosticParams struct {
	PreviousResultIDs []struct {
		URI   string `json:"uri"`
		Value string `json:"value"`
	} `json:"previousResultIds"`
}

// Kinds of diagnostic reports.
const (
	reportFull      = "full"
	reportUnchanged = "unchanged"
)

type documentDiagnosticReport struct {
	Kind     string        `json:"kind"`
	ResultID string        `json:"resultId"`
	Items    *[]diagnostic `json:"items,omitempty"` // of a full report
}

type workspaceDocumentReport struct {
	documentDiagnosticReport
	URI     string `json:"uri"`
	Version *int   `json:"version"` // null: the file is not open
}

type workspaceDiagnosticReport struct {
	Items []workspaceDocumentReport `json:"items"`
}

type progressParams struct {
	Token string `json:"token"`
	Value any    `json:"value,omitempty"`
}

type workDoneProgress struct {
	Kind  string `json:"kind"` // begin, end
	Title string `json:"title,omitempty"`
}

type renameOptions struct {
	PrepareProvider bool `json:"prepareProvider"`
}

// syncIncremental asks for the parts of the text that change.
const syncIncremental = 2

type textDocumentSyncOptions struct {
	OpenClose bool `json:"openClose"`
	Change    int  `json:"change"`
	Save      bool `json:"save"`
}

type completionOptions struct {
	TriggerCharacters []string `json:"triggerCharacters"`
}

type codeActionOptions struct {
	CodeActionKinds []string `json:"codeActionKinds"`
}

type textDocument struct {
	URI     string `json:"uri"`
	Version int    `json:"version"`
	Text    string `json:"text"`
}

type didOpenParams struct {
	TextDocument textDocument `json:"textDocument"`
}

type didChangeParams struct {
	TextDocument   textDocument    `json:"textDocument"`
	ContentChanges []contentChange `json:"contentChanges"`
}

// contentChange replaces a part of a text; without a range all of it.
type contentChange struct {
	Range *textRange `json:"range"`
	Text  string     `json:"text"`
}

type documentParams struct {
	TextDocument textDocument `json:"textDocument"`
}

type positionParams struct {
	TextDocument textDocument `json:"textDocument"`
	Position     position     `json:"position"`
}

type referenceParams struct {
	positionParams
	Context struct {
		IncludeDeclaration bool `json:"includeDeclaration"`
	} `json:"context"`
}

type renameParams struct {
	positionParams
	NewName string `json:"newName"`
}

// preparedRename is what is renamed where the text at the place is another, such as an action of a template.
type preparedRename struct {
	Range       textRange `json:"range"`
	Placeholder string    `json:"placeholder"`
}

type symbolParams struct {
	Query string `json:"query"`
}

type highlight struct {
	Range textRange `json:"range"`
}

type symbolInformation struct {
	Name     string   `json:"name"`
	Kind     int      `json:"kind"`
	Location location `json:"location"`
}

type publishDiagnosticsParams struct {
	URI         string       `json:"uri"`
	Version     int          `json:"version"`
	Diagnostics []diagnostic `json:"diagnostics"`
}

// Severities of the protocol.
const (
	severityError       = 1
	severityWarning     = 2
	severityInformation = 3
)

// tagDeprecated asks the editor to strike a text through.
const tagDeprecated = 2

type diagnostic struct {
	Range              textRange            `json:"range"`
	Severity           int                  `json:"severity"`
	Code               string               `json:"code"`
	CodeDescription    *codeDescription     `json:"codeDescription,omitempty"`
	Source             string               `json:"source"`
	Message            string               `json:"message"`
	Tags               []int                `json:"tags,omitempty"`
	RelatedInformation []relatedInformation `json:"relatedInformation,omitempty"`
}

type codeDescription struct {
	Href string `json:"href"`
}

type relatedInformation struct {
	Location location `json:"location"`
	Message  string   `json:"message"`
}

type codeActionParams struct {
	TextDocument textDocument `json:"textDocument"`
	Range        textRange    `json:"range"`
	Context      struct {
		Only []string `json:"only"`
	} `json:"context"`
}

// Kinds of code actions.
const (
	quickFix = "quickfix"
	fixAll   = "source.fixAll"

	refactorExtract = "refactor.extract"
	refactorRewrite = "refactor.rewrite"
)

type codeAction struct {
	Title       string        `json:"title"`
	Kind        string        `json:"kind"`
	Diagnostics []diagnostic  `json:"diagnostics,omitempty"`
	IsPreferred bool          `json:"isPreferred,omitempty"`
	Edit        workspaceEdit `json:"edit"`
}

type workspaceEdit struct {
	Changes map[string][]textEdit `json:"changes"`
}

type textEdit struct {
	Range   textRange `json:"range"`
	NewText string    `json:"newText"`
}

type markupContent struct {
	Kind  string `json:"kind"` // markdown
	Value string `json:"value"`
}

type hover struct {
	Contents markupContent `json:"contents"`
	Range    *textRange    `json:"range,omitempty"`
}

type hintParams struct {
	TextDocument textDocument `json:"textDocument"`
	Range        textRange    `json:"range"`
}

type inlayHint struct {
	Position    position      `json:"position"`
	Label       string        `json:"label"`
	Tooltip     markupContent `json:"tooltip"`
	PaddingLeft bool          `json:"paddingLeft"`
}

type foldingRange struct {
	StartLine int    `json:"startLine"`
	EndLine   int    `json:"endLine"`
	Kind      string `json:"kind"`
}

type selectionParams struct {
	TextDocument textDocument `json:"textDocument"`
	Positions    []position   `json:"positions"`
}

type selectionRange struct {
	Range  textRange       `json:"range"`
	Parent *selectionRange `json:"parent,omitempty"`
}

type documentLink struct {
	Range  textRange `json:"range"`
	Target string    `json:"target"`
}

type codeLens struct {
	Range   textRange `json:"range"`
	Command command   `json:"command"`
}

// command is shown; without a name it does nothing.
type command struct {
	Title   string `json:"title"`
	Command string `json:"command"`
}

// Kinds of completion items.
const (
	itemFunction  = 3
	itemField     = 5
	itemClass     = 7
	itemValue     = 12
	itemReference = 18
)

// formatSnippet says that $1 stands where the cursor goes, adjustIndentation that all lines but the first are written
// as if the first stood at the margin.
const (
	formatSnippet     = 2
	adjustIndentation = 2
)

type completionList struct {
	IsIncomplete bool             `json:"isIncomplete"`
	Items        []completionItem `json:"items"`
}

type completionItem struct {
	Label         string         `json:"label"`
	Kind          int            `json:"kind"`
	Detail        string         `json:"detail,omitempty"`
	Documentation *markupContent `json:"documentation,omitempty"`
	Deprecated    bool           `json:"deprecated,omitempty"`
	SortText      string         `json:"sortText,omitempty"`
	FilterText    string         `json:"filterText,omitempty"`
	Format        int            `json:"insertTextFormat,omitempty"`
	Mode          int            `json:"insertTextMode,omitempty"`
	TextEdit      textEdit       `json:"textEdit"`
}

type documentSymbol struct {
	Name           string           `json:"name"`
	Detail         string           `json:"detail"`
	Kind           int              `json:"kind"`
	Range          textRange        `json:"range"`
	SelectionRange textRange        `json:"selectionRange"`
	Children       []documentSymbol `json:"children,omitempty"`
}
