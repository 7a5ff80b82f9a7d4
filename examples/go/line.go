package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf16"
)

// A line is one event as it is printed.
type line struct {
	Type   string `json:"type"`
	Room   string `json:"room"`
	Seq    uint64 `json:"seq"`
	Author string `json:"author"`
	Text   string `json:"text"`
}

// String returns JSON in ASCII: a text may hold what would command a terminal.
func (l line) String() string {
	var encoded bytes.Buffer
	encoder := json.NewEncoder(&encoded)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(l); err != nil {
		panic(err) // strings and numbers can always be encoded
	}
	var ascii strings.Builder
	for _, char := range strings.TrimSuffix(encoded.String(), "\n") {
		if char < 0x7f {
			ascii.WriteRune(char)
			continue
		}
		for _, unit := range utf16.Encode([]rune{char}) {
			fmt.Fprintf(&ascii, `\u%04x`, unit)
		}
	}
	return ascii.String()
}
