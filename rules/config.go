package rules

import "fmt"

// Mode says what a rule does with a request.
type Mode string

// The modes of a rule.
const (
	ModeMirror   Mode = "mirror"   // pull, answer and keep
	ModeRedirect Mode = "redirect" // send the client to the origin, then pull and keep
	ModeProxy    Mode = "proxy"    // pull and answer, keep nothing
	ModeDeny     Mode = "deny"     // answer with deny.status
)

// When says whether a rule holds before the bucket is asked.
type When string

// The moments at which a rule holds. An empty When is WhenMiss, but WhenAlways for deny: what is denied is denied
// also when the bucket has it, unless the rule says "when: miss" (then it only keeps its keys from being pulled).
const (
	WhenMiss   When = "miss"   // after the bucket said "not here"
	WhenAlways When = "always" // before the bucket is asked; not for mirror
)

// Query says what becomes of a request's query.
type Query string

// The policies for a query.
const (
	QueryNone Query = "none" // not sent
	QuerySame Query = "same" // sent; the operator promises that it does not change the bytes
	QueryKey  Query = "key"  // sent, and part of the stored key
	QuerySkip Query = "skip" // a request with a query is proxied, never read from or saved to the bucket
)

// State says whether the origin of a rule may be asked.
type State string

// The states of a rule. They are no matter of a rule in deny mode, which asks nobody.
const (
	StateActive  State = "active"
	StatePaused  State = "paused"  // it is not asked for the time being: 503 in place of its answer
	StateRetired State = "retired" // it is as if it were gone: 404 in place of its answer
)

// The values of Config.Head.
const (
	HeadOrigin = "origin" // a HEAD that misses asks the origin
	HeadOff    = "off"    // a HEAD that misses is a 404

	RangePass = "pass" // a far range of an object that is being pulled, or is not yet, is asked of the origin at once
	RangeFill = "fill" // it waits for the pull
)

// Config is one rule as configured, without what belongs to its origin.
type Config struct {
	ID       string   `yaml:"id"`
	Enabled  bool     `yaml:"enabled"`
	State    State    `yaml:"state"`
	Mode     Mode     `yaml:"mode"`
	When     When     `yaml:"when"`
	Match    Match    `yaml:"match"`
	Deny     Deny     `yaml:"deny"`
	Rewrite  Rewrite  `yaml:"rewrite"`
	Forward  Forward  `yaml:"forward"`
	Redirect Redirect `yaml:"redirect"`
	Head     string   `yaml:"head"`
	Range    string   `yaml:"range"`
	Store    Store    `yaml:"store"`

	Revalidate string `yaml:"revalidate"` // RevalidateAuto, RevalidateNever or a duration

	// Targets are where the rule's objects are asked for: the primary, then the backup if there is one.
	Targets []Target `yaml:"-"`
}

// Match says which keys a rule is for. Empty fields match everything.
type Match struct {
	Prefix string `yaml:"prefix"`
	Suffix string `yaml:"suffix"`
}

// Deny is the answer of a rule in deny mode.
type Deny struct {
	Status int `yaml:"status"` // 403, 404, 410 or 451
}

// Rewrite turns a key into the path that is asked (see Path).
type Rewrite struct {
	Crop    bool   `yaml:"crop"`    // remove the matched prefix
	Replace string `yaml:"replace"` // put this in place of the matched prefix
	Prefix  string `yaml:"prefix"`  // put this and a "/" before the path
	Suffix  string `yaml:"suffix"`  // put this in place of the last segment's extension
	Fixed   string `yaml:"fixed"`   // redirect only: the path, whatever the key
}

// Forward says what of a request is passed on.
type Forward struct {
	Query   Query   `yaml:"query"`
	Headers Headers `yaml:"headers"`
}

// Headers says which request headers an origin gets besides mirrorgate's own: those passed, less those dropped, plus
// those set. At most 10 names each.
type Headers struct {
	Pass Names             `yaml:"pass"`
	Drop []string          `yaml:"drop"`
	Set  map[string]string `yaml:"set"` // a value here may be a secret: it is never shown
}

// Redirect is how a rule in redirect mode answers.
type Redirect struct {
	Code  int  `yaml:"code"`  // 301, 302, 303, 307 or 308
	Store bool `yaml:"store"` // pull and keep the object afterwards; never with rewrite.fixed
}

// Store says how an object is kept, and which answers may be. The zero value of each field leaves the matter to the
// bucket. A directory bucket takes Metadata, and none of those before it.
type Store struct {
	StorageClass string            `yaml:"storage_class"`
	Encryption   string            `yaml:"encryption"` // EncryptionS3 or EncryptionKMS
	KMSKey       string            `yaml:"kms_key"`    // with EncryptionKMS
	ACL          string            `yaml:"acl"`        // a canned ACL
	Tags         map[string]string `yaml:"tags"`       // at most 10
	Metadata     map[string]string `yaml:"metadata"`   // user metadata, over the origin's of the same name

	MaxObject int64    `yaml:"max_object"` // bytes; 0: no limit
	Headers   []string `yaml:"headers"`    // more response headers to keep and replay, at most 20
	Override  []string `yaml:"override"`   // reasons not to keep an answer that are set aside
}

// The values of Store.Encryption.
const (
	EncryptionS3  = "sse-s3"  // with keys of the bucket
	EncryptionKMS = "sse-kms" // with a key of a key management service
)

// The roles of a target.
const (
	RolePrimary = "primary"
	RoleBackup  = "backup"
)

// Target is where a rule's objects are asked for, as far as URLs are concerned.
type Target struct {
	Role string // RolePrimary or RoleBackup
	// Base is the URL without a trailing "/". Of a signed target it names the bucket: scheme://host/bucket or
	// scheme://bucket.host.
	Base      string
	KeyPrefix string // signed targets: stands before the rewritten path, inside the bucket
	Signed    bool
	ConnectTo string // only looked at to refuse it in redirect mode
}

// SetDefaults makes c the rule that a configuration without any field describes.
func (c *Config) SetDefaults() {
	*c = Config{
		Enabled:  true,
		State:    StateActive,
		Mode:     ModeMirror,
		Deny:     Deny{Status: 404},
		Forward:  Forward{Query: QueryNone},
		Redirect: Redirect{Code: 302, Store: true},
		Head:     HeadOrigin,
		Range:    RangePass,

		Revalidate: RevalidateAuto,
	}
}

// Timing is When with the default of the rule's mode put in.
func (c Config) Timing() When {
	switch {
	case c.When != "":
		return c.When
	case c.Mode == ModeDeny:
		return WhenAlways
	default:
		return WhenMiss
	}
}

// Names is a list of header names, or all of them.
type Names []string

// all is the word that stands for every name.
const all = "all"

// All tells whether n is the word "all" alone.
func (n Names) All() bool { return len(n) == 1 && n[0] == all }

// UnmarshalText takes the word "all"; names come as a sequence.
func (n *Names) UnmarshalText(text []byte) error {
	if string(text) != all {
		return fmt.Errorf(`%q is neither a list of names nor the word "all"`, text)
	}
	*n = Names{all}
	return nil
}
