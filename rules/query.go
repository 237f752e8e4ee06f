package rules

import (
	"slices"
	"strings"
)

// safeQuery makes a query that can stand in a request line and before a "#" (RFC 3986 section 3.4): spaces, controls,
// "#" and bytes outside ASCII become %XX. All else stays as it came, since the origin may compare bytes.
func safeQuery(query string) string {
	bad := func(c byte) bool { return c <= ' ' || c >= 0x7F || c == '#' }
	at := 0
	for at < len(query) && !bad(query[at]) {
		at++
	}
	if at == len(query) {
		return query
	}
	out := append(make([]byte, 0, len(query)+16), query[:at]...)
	for ; at < len(query); at++ {
		if bad(query[at]) {
			out = appendPercent(out, query[at])
		} else {
			out = append(out, query[at])
		}
	}
	return string(out)
}

// withQuery adds a query to a URL of t. A signed target gets only what cannot change what a bucket answers; when
// nothing is left it gets no "?" either.
func (t Target) withQuery(url, query string) string {
	if t.Signed {
		if query = bucketQuery(query); query == "" {
			return url
		}
	}
	return url + "?" + query
}

// bucketQuery takes the parameters out of a query that a bucket would obey. The rest keeps its order and its
// encoding.
func bucketQuery(query string) string {
	kept := strings.Split(query, "&")
	kept = slices.DeleteFunc(kept, commandsBucket)
	return strings.Join(kept, "&")
}

// commandsBucket tells whether a bucket would obey a parameter. Servers that separate parameters by ";" too see more
// than one in it.
func commandsBucket(parameter string) bool {
	for part := range strings.SplitSeq(parameter, ";") {
		name, _, _ := strings.Cut(part, "=")
		name = decodeLoosely(strings.ReplaceAll(name, "+", " "))
		if isCommand(strings.ToLower(strings.TrimSpace(name))) {
			return true
		}
	}
	return false
}

// isCommand tells whether name, in lower case, is a parameter that S3 or a server like it gives a meaning to. Case
// does not count: no server is known to differ, and a parameter lost is better than one obeyed.
func isCommand(name string) bool {
	if slices.ContainsFunc(commandPrefixes(), func(p string) bool { return strings.HasPrefix(name, p) }) {
		return true
	}
	switch name {
	case "accelerate", "acl", "analytics", "attributes", "cors", "delete", "encryption", "intelligent-tiering",
		"inventory", "lambdaarn", "legal-hold", "lifecycle", "list-type", "location", "logging",
		"metadataconfiguration", "metadatatable", "metrics", "notification", "object-lock", "ownershipcontrols",
		"partnumber", "policy", "policystatus", "publicaccessblock", "renameobject", "replication",
		"replication-metrics", "requestpayment", "restore", "retention", "select", "select-type", "session",
		"tagging", "torrent", "uploadid", "uploads", "versionid", "versioning", "versions", "website":
		return true // subresources
	case "awsaccesskeyid", "googleaccessid", "ossaccesskeyid", "signature", "authorization", "security-token":
		return true // a second way to sign, which makes a signed request invalid
	}
	return false
}

// commandPrefixes begin the parameters that change what a bucket answers, or how a request is signed.
func commandPrefixes() []string {
	return []string{"response-", "x-amz-", "x-minio-", "x-goog-", "x-bce-", "x-oss-", "x-cos-", "x-obs-", "x-tos-"}
}
