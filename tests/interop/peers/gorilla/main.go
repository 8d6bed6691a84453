// Gorilla's WebSocket, as a server and as a client.
//
// Usage: gorilla server, or gorilla client <url> [--compression]
// The server echoes, and does what messages that begin with ! say; it prints its port and ends with
// its standard input. The client talks to the test's server, and prints what it saw as JSON.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

func main() {
	if os.Args[1] == "server" {
		serve()
		return
	}
	compression := len(os.Args) > 3 && os.Args[3] == "--compression"
	if err := json.NewEncoder(os.Stdout).Encode(lookAround(os.Args[2], compression)); err != nil {
		panic(err)
	}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

var upgrader = websocket.Upgrader{
	Subprotocols:      []string{"v2"},
	EnableCompression: true,
	CheckOrigin:       func(*http.Request) bool { return true },
}

func serve() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	fmt.Printf("port %d\n", listener.Addr().(*net.TCPAddr).Port)
	go http.Serve(listener, http.HandlerFunc(echo))
	io.Copy(io.Discard, os.Stdin)
}

func echo(w http.ResponseWriter, r *http.Request) {
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // it has answered
	}
	defer conn.Close()
	conn.SetPongHandler(func(payload string) error {
		if payload == "\x00\xff" {
			return conn.WriteMessage(websocket.TextMessage, []byte("ponged"))
		}
		return nil
	})
	for {
		kind, message, err := conn.ReadMessage()
		if err != nil {
			return
		}
		deadline := time.Now().Add(10 * time.Second)
		switch string(message) {
		case "!close":
			closing := websocket.FormatCloseMessage(4002, "as you wish")
			err = conn.WriteControl(websocket.CloseMessage, closing, deadline)
		case "!ping":
			err = conn.WriteControl(websocket.PingMessage, []byte{0x00, 0xff}, deadline)
		case "!fragments":
			err = writeFragments(conn)
		case "!facts":
			err = conn.WriteJSON(map[string]string{
				"path":   r.URL.RequestURI(),
				"header": r.Header.Get("X-Colour"),
			})
		default:
			err = conn.WriteMessage(kind, message)
		}
		if err != nil {
			return
		}
	}
}

// A writer of Gorilla's makes a fragment of each full buffer, of 4 KiB unless told otherwise.
func writeFragments(conn *websocket.Conn) error {
	writer, err := conn.NextWriter(websocket.TextMessage)
	if err != nil {
		return err
	}
	for _, piece := range []string{"one ", "two ", strings.Repeat(" ", 10_000), "Grüße"} {
		if _, err := io.WriteString(writer, piece); err != nil {
			return err
		}
	}
	return writer.Close()
}

type facts map[string]any

func dial(url string, compression bool, header http.Header) (*websocket.Conn, *http.Response, error) {
	dialer := websocket.Dialer{
		Subprotocols:      []string{"v1", "v2"},
		EnableCompression: compression,
	}
	return dialer.Dial(url, header)
}

func connect(url string, compression bool) *websocket.Conn {
	conn, _, err := dial(url, compression, nil)
	check(err)
	return conn
}

func send(conn *websocket.Conn, kind int, message []byte) {
	check(conn.WriteMessage(kind, message))
}

func answer(conn *websocket.Conn, kind int, message []byte) []byte {
	send(conn, kind, message)
	_, result, err := conn.ReadMessage()
	check(err)
	return result
}

// ending reads up to the Close, which Gorilla answers.
func ending(conn *websocket.Conn) [2]any {
	defer conn.Close()
	for {
		_, _, err := conn.ReadMessage()
		if closing, ok := err.(*websocket.CloseError); ok {
			return [2]any{closing.Code, closing.Text}
		}
		check(err)
	}
}

func closedByUs(conn *websocket.Conn, code int, reason string) [2]any {
	closing := websocket.FormatCloseMessage(code, reason)
	check(conn.WriteControl(websocket.CloseMessage, closing, time.Now().Add(10*time.Second)))
	return ending(conn)
}

func statusOf(url string, origin string) int {
	conn, response, err := dial(url, false, http.Header{"Origin": {origin}})
	if err == nil {
		conn.Close()
	}
	return response.StatusCode
}

func lookAround(url string, compression bool) facts {
	conn := connect(url, compression)
	echoes := facts{}
	noise := make([]byte, 1<<20)
	rand.New(rand.NewSource(1)).Read(noise)
	bytesOfAll := make([]byte, 256)
	for i := range bytesOfAll {
		bytesOfAll[i] = byte(i)
	}
	for _, one := range []struct {
		name    string
		kind    int
		message []byte
	}{
		{"empty", websocket.TextMessage, nil},
		{"text", websocket.TextMessage, []byte("Grüße 🌊")},
		{"binary", websocket.BinaryMessage, bytesOfAll},
		{"large text", websocket.TextMessage, bytes.Repeat([]byte("wave after wave, "), 60_000)},
		{"large binary", websocket.BinaryMessage, noise},
	} {
		echoes[one.name] = bytes.Equal(answer(conn, one.kind, one.message), one.message)
	}
	check(writeFragments(conn))
	_, whole, err := conn.ReadMessage()
	check(err)
	echoes["text in fragments"] = strings.HasPrefix(string(whole), "one two   ") &&
		strings.HasSuffix(string(whole), "  Grüße")

	var pong string
	conn.SetPongHandler(func(payload string) error {
		pong = payload
		return nil
	})
	deadline := time.Now().Add(10 * time.Second)
	check(conn.WriteControl(websocket.PingMessage, []byte("are you there?"), deadline))
	answer(conn, websocket.TextMessage, []byte("after the pong"))
	found := facts{
		"protocol":  conn.Subprotocol(),
		"echoes":    echoes,
		"pong":      []any{true, pong},
		"ping":      string(answer(conn, websocket.TextMessage, []byte("!ping"))),
		"fragments": string(answer(conn, websocket.TextMessage, []byte("!fragments"))),
		"close":     closedByUs(conn, 1000, ""),
	}
	found["close with reason"] = closedByUs(connect(url, false), 4001, "bye")
	asked := connect(url, false)
	send(asked, websocket.TextMessage, []byte("!close"))
	found["closed by server"] = ending(asked)
	large := connect(url, false)
	// The server closes while the end of it is still on its way.
	_ = large.WriteMessage(websocket.TextMessage, bytes.Repeat([]byte("x"), 2*1024*1024+1))
	found["too large"] = ending(large)[0]
	var origins []int
	for _, origin := range []string{strings.Replace(url, "ws:", "http:", 1), "http://example.com", "null"} {
		origins = append(origins, statusOf(url, origin))
	}
	found["origins"] = origins
	return found
}
