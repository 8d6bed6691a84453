import type { LinkSink, MessageSink } from "../../src/connection/link.ts";
import type { WebSocketProtocolError } from "../../src/errors.ts";
import type { Message } from "../../src/types.ts";

/** Notes what a link tells. */
export class LinkNotes implements LinkSink, MessageSink {
  readonly calls: string[] = [];
  readonly messages: Message[] = [];
  error: unknown;
  isCut: boolean | undefined;
  drains = 0;
  /** Whether the peer's Close is answered at once. */
  answers = true;
  onMessageHook: () => void = () => {};

  push(message: Message): void {
    this.calls.push("message");
    this.messages.push(message);
    this.onMessageHook();
  }
  onOpen(): void {}
  onPing(): void {
    this.calls.push("ping");
  }
  onPong(): void {
    this.calls.push("pong");
  }
  onActivity(): void {
    this.calls.push("activity");
  }
  onLoneMessage(message: Message): void {
    this.onActivity();
    this.push(message);
    this.onTurnEnd();
  }
  onTurnEnd(): void {
    this.calls.push("turn end");
  }
  onClose(code: number, reason: string): boolean {
    this.calls.push(`close ${code} ${reason}`);
    return this.answers;
  }
  onFailure(error: WebSocketProtocolError): void {
    this.calls.push(`failure ${error.closeCode}`);
  }
  onWriteFailed(error: unknown): void {
    this.calls.push("write failed");
    this.error = error;
  }
  onDrain(): void {
    this.drains++;
  }
  onEnd(error: unknown, isCut = false): void {
    this.calls.push("end");
    this.error = error;
    this.isCut = isCut;
  }
}
