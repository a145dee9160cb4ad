/** The languages in which people at a site read what badged says. */
export type Language = "nl" | "fr" | "de" | "en";
export const languages: readonly Language[] = ["nl", "fr", "de", "en"];
