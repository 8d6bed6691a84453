/** The 101 as the application sees it. */

/** A response that says 101, even where the standard's constructor refuses to make one. */
export function switchingProtocols(headers: HeadersInit): Response {
  try {
    return new Response(null, { status: 101, headers });
  } catch {
    return Object.defineProperty(new Response(null, { headers }), "status", { value: 101 });
  }
}
