//go:build tools

// Package tools names the program of Beam that is built here, so that go.sum holds what it needs.
package tools

import _ "github.com/apache/beam/sdks/v2/go/cmd/prism"
