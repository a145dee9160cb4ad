/**
 * The command line by which root tries a command with what the unit hands over to the daemon. The folder is the one of
 * `LoadCredential=` in the unit, where each file has its credential's name.
 */
export function withCredentials(command: string): string {
  return `CREDENTIALS_DIRECTORY=/etc/badged/secrets badged ${command}`;
}
