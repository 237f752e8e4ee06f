package telemetry

import "net/url"

// Config is the telemetry's part of the configuration.
type Config struct {
	// OTLP is the base URL of a collector that takes OTLP over HTTP; "": none, and there are no traces. Traces go to
	// v1/traces under it, metrics to v1/metrics.
	OTLP string `yaml:"otlp"`
	// Sample is the part of the requests that are traced, 0 to 1, of those that do not bring a trace of their own.
	Sample float64 `yaml:"sample"`
}

// DefaultConfig sends nothing anywhere.
func DefaultConfig() Config { return Config{Sample: 0.01} }

// Validate reports what cannot be sent to.
func (c Config) Validate(report func(path, problem string)) {
	if c.OTLP != "" {
		u, err := url.Parse(c.OTLP)
		if err == nil && u.User != nil {
			report("otlp", "must not hold a user or password: give OTEL_EXPORTER_OTLP_HEADERS in the environment")
		}
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
			report("otlp", `must be the base URL of a collector's OTLP over HTTP, such as http://127.0.0.1:4318, or ""`)
		}
	}
	if !(c.Sample >= 0 && c.Sample <= 1) { // NaN is neither
		report("sample", "must be 0 (no traces but those that clients bring) to 1 (every request)")
	}
}
