import PDFDocument from "pdfkit";
import { dateOf } from "../../base/system-time.ts";
import type { WallMs } from "../../base/time.ts";

/** A4, in points. */
export const sheet = { width: 595.28, height: 841.89, side: 54, top: 50, bottom: 62 } as const;
export const textWidth: number = sheet.width - 2 * sheet.side;

export const ink = { text: "#1c1c1c", soft: "#5a5a5a", line: "#b8b8b8", pale: "#f3f3f1", accent: "#1f3d5a" } as const;
export const face = { plain: "Helvetica", bold: "Helvetica-Bold", mono: "Courier" } as const;

export type Pdf = PDFKit.PDFDocument;
export type TextStyle = { readonly size: number; readonly font?: string; readonly colour?: string };

export function newPdf(title: string, madeAt: WallMs, version: string): Pdf {
  const pdf = new PDFDocument({
    size: "A4",
    bufferPages: true,
    margins: { top: sheet.top, bottom: sheet.bottom, left: sheet.side, right: sheet.side },
    info: {
      Title: winAnsi(title),
      Producer: `badged ${version}`,
      Creator: `badged ${version}`,
      CreationDate: dateOf(madeAt),
    },
  });
  return pdf;
}

/** The standard fonts have the characters of Windows-1252 and no others: a name from elsewhere loses its accents at worst. */
export function winAnsi(text: string): string {
  return [...text.normalize("NFC")].map((each) => (isWinAnsi(each) ? each : plainer(each))).join("");
}

const beyondLatin1 = new Set("€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ");

function isWinAnsi(character: string): boolean {
  const code = character.codePointAt(0) ?? 0;
  return (code >= 0x20 && code < 0x7f) || (code >= 0xa0 && code <= 0xff) || beyondLatin1.has(character);
}

/** Letters with a stroke, which no normal form takes apart. */
const withoutStroke: Readonly<Record<string, string>> = { Ł: "L", ł: "l", Đ: "D", đ: "d", Ħ: "H", ħ: "h", ı: "i" };

function plainer(character: string): string {
  const [base = "?"] = withoutStroke[character] ?? character.normalize("NFD");
  return isWinAnsi(base) ? base : "?";
}

/** Begins a new page unless `height` is left on this one. */
export function ensure(pdf: Pdf, height: number): void {
  if (pdf.y + height > sheet.height - sheet.bottom) pdf.addPage();
}

/** A paragraph at the left margin, or at `x`; goes on to the next page by itself. */
export function paragraph(
  pdf: Pdf,
  text: string,
  { size, font = face.plain, colour = ink.text }: TextStyle,
  {
    x = sheet.side,
    width = textWidth,
    gap = 3,
  }: { readonly x?: number; readonly width?: number; readonly gap?: number } = {},
): void {
  pdf.font(font).fontSize(size);
  const shown = winAnsi(text);
  ensure(pdf, Math.min(pdf.heightOfString(shown, { width, lineGap: 1.5 }), 200));
  pdf.fillColor(colour).text(shown, x, pdf.y, { width, lineGap: 1.5 });
  pdf.y += gap;
}

/** A heading that is never the last thing on a page. */
export function heading(pdf: Pdf, text: string): void {
  ensure(pdf, 54);
  pdf.y += 9;
  paragraph(pdf, text, { size: 10.5, font: face.bold, colour: ink.accent }, { gap: 3 });
}

/** Name and value side by side; the taller of the two decides. */
export function nameAndText(pdf: Pdf, name: string, text: string, width: number, font: string = face.plain): void {
  const nameWidth = 132;
  const style = { width: width - nameWidth, lineGap: 1.5 };
  const shown = winAnsi(text);
  pdf.font(font).fontSize(9);
  const height = pdf.heightOfString(shown, style);
  ensure(pdf, height);
  const { y } = pdf;
  pdf.font(face.plain).fontSize(9).fillColor(ink.soft);
  pdf.text(winAnsi(name), sheet.side, y, { width: nameWidth - 8, lineGap: 1.5 });
  const below = pdf.y;
  pdf
    .font(font)
    .fillColor(ink.text)
    .text(shown, sheet.side + nameWidth, y, style);
  pdf.y = Math.max(below, y + height) + 2.5;
}

export function bytesOf(pdf: Pdf): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    pdf.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    pdf.on("end", () => resolve(Buffer.concat(chunks)));
    pdf.on("error", reject);
    pdf.end();
  });
}
