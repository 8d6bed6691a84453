import type { HostSocket } from "../../src/connection/host_link.ts";
import type { Capabilities } from "../../src/types.ts";

/** What `Bun.serve` can do, more or less. */
export const ALL: Capabilities = {
  ping: true,
  compression: false,
  inboundBackpressure: true,
  outboundBackpressure: true,
  noDelay: false,
};

/** A host's socket that notes what it is told, and takes as much as the test says. */
export class FakeHostSocket implements HostSocket {
  readonly calls: string[] = [];
  readonly reportsDrain: boolean;
  bufferedAmount = 0;
  /** How many more messages it takes. */
  room: number = Infinity;

  constructor(reportsDrain = true) {
    this.reportsDrain = reportsDrain;
  }

  sendText(text: string, compress: boolean | undefined): boolean {
    return this.#take(`text ${text}${compress === undefined ? "" : ` ${compress}`}`);
  }

  sendBinary(data: Uint8Array): boolean {
    return this.#take(`binary ${new TextDecoder().decode(data)}`);
  }

  ping(payload: Uint8Array): void {
    this.calls.push(`ping ${new TextDecoder().decode(payload)}`);
  }

  close(code: number, reason: string): void {
    this.calls.push(`close ${code} ${reason}`);
  }

  terminate(): void {
    this.calls.push("terminate");
  }

  pause(): void {
    this.calls.push("pause");
  }

  resume(): void {
    this.calls.push("resume");
  }

  #take(call: string): boolean {
    this.calls.push(call);
    return --this.room > 0;
  }
}
