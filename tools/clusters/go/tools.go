//go:build tools

// Package tools names the programs of Beam that are built here, so that go.sum holds what they need.
package tools

import (
	_ "github.com/apache/beam/sdks/v2/go/cmd/prism"
	_ "github.com/apache/beam/sdks/v2/python/container"
)
