package harness

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
)

// OpenAPI holds requests and answers against an OpenAPI document.
type OpenAPI struct {
	doc    *openapi3.T
	router routers.Router
}

// NewOpenAPI reads a document, which must be valid in itself.
func NewOpenAPI(t testing.TB, document []byte) *OpenAPI {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(document)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	router, err := legacy.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return &OpenAPI{doc, router}
}

// Operations lists what is described, as METHOD PATH.
func (o *OpenAPI) Operations() []string {
	var all []string
	for path, item := range o.doc.Paths.Map() {
		for method := range item.Operations() {
			all = append(all, method+" "+path)
		}
	}
	slices.Sort(all)
	return all
}

// Statuses lists with what an operation may be answered.
func (o *OpenAPI) Statuses(op string) []int {
	method, path, _ := strings.Cut(op, " ")
	var all []int
	for status := range o.doc.Paths.Value(path).GetOperation(method).Responses.Map() {
		n, _ := strconv.Atoi(status) // a document of ours has numbers only
		all = append(all, n)
	}
	slices.Sort(all)
	return all
}

// Schema returns one of the document's schemas, or nil.
func (o *OpenAPI) Schema(name string) *openapi3.Schema {
	if ref := o.doc.Components.Schemas[name]; ref != nil {
		return ref.Value
	}
	return nil
}

// Exchange sends a request, and fails the test unless the answer is one that the document allows. It returns the
// operation, the answer's status and body, and what the document has against the request.
func (o *OpenAPI) Exchange(
	t testing.TB, request *http.Request, body string,
) (op string, status int, text string, wrong error) {
	t.Helper()
	route, params, err := o.router.FindRoute(request)
	if err != nil {
		t.Fatalf("%s %s: %v", request.Method, request.URL, err)
	}
	options := &openapi3filter.Options{
		AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true, SkipSettingDefaults: true,
	}
	asked := &openapi3filter.RequestValidationInput{Request: request, PathParams: params, Route: route, Options: options}
	request.Body = io.NopCloser(strings.NewReader(body))
	wrong = openapi3filter.ValidateRequest(t.Context(), asked)
	request.Body, request.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	if body == "" {
		request.Body = http.NoBody
	}
	response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	answer := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: asked, Status: response.StatusCode, Header: response.Header,
		Body: io.NopCloser(bytes.NewReader(raw)), Options: options,
	}
	if err := openapi3filter.ValidateResponse(context.WithoutCancel(t.Context()), answer); err != nil {
		t.Errorf("%s %s %.100s: the answer %d is not as described: %v",
			request.Method, request.URL, body, response.StatusCode, err)
	}
	return route.Method + " " + route.Path, response.StatusCode, string(raw), wrong
}
