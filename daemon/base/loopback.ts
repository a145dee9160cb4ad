/** Whether a host, as a URL or a socket writes it, is this very box. A name that only begins like it is not. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(host);
}
