import { encode } from "uqr";
import { drawTimeline } from "./draw-timeline.ts";
import {
  bytesOf,
  ensure,
  face,
  heading,
  ink,
  nameAndText,
  newPdf,
  type Pdf,
  paragraph,
  sheet,
  textWidth,
  winAnsi,
} from "./page.ts";
import type { ReportModel, WindowSection } from "./report-model.ts";

const codeSize = 84;
const body = { size: 9 } as const;

/** The report as a PDF. The same model gives the same bytes. */
export function drawReport(model: ReportModel): Promise<Uint8Array> {
  const { words, windows } = model;
  const pdf = newPdf(model.title, model.madeAt, model.version);
  drawHead(pdf, model);
  if (windows.length === 0) paragraph(pdf, words.nothing, body);
  if (windows.length > 1) drawOverview(pdf, model);
  for (const window of windows) {
    if (windows.length > 1) pdf.addPage();
    drawWindow(pdf, window, model);
  }
  drawLimits(pdf, model);
  drawFeet(pdf, model);
  return bytesOf(pdf);
}

function drawHead(pdf: Pdf, { words, title, facts, key }: ReportModel): void {
  const codeX = sheet.width - sheet.side - codeSize;
  drawCode(pdf, key, codeX, sheet.top);
  paragraph(
    pdf,
    title,
    { size: 19, font: face.bold, colour: ink.accent },
    { width: textWidth - codeSize - 16, gap: 6 },
  );
  for (const { name, text } of facts) {
    nameAndText(pdf, name, text, textWidth - codeSize - 16, name === words.fingerprint ? face.mono : face.plain);
  }
  pdf.y = Math.max(pdf.y, sheet.top + codeSize) + 8;
  drawNotice(pdf, words.derived);
}

/** What somebody must have read before anything else. */
function drawNotice(pdf: Pdf, text: string): void {
  const inner = textWidth - 24;
  const shown = winAnsi(text);
  pdf.font(face.bold).fontSize(9);
  const height = pdf.heightOfString(shown, { width: inner, lineGap: 1.5 }) + 14;
  ensure(pdf, height);
  const { y } = pdf;
  pdf.rect(sheet.side, y, textWidth, height).fill(ink.pale);
  pdf.rect(sheet.side, y, 3, height).fill(ink.accent);
  pdf
    .font(face.bold)
    .fillColor(ink.text)
    .text(shown, sheet.side + 14, y + 8, { width: inner, lineGap: 1.5 });
  pdf.y = y + height + 6;
}

/** The key as a square code, for who wrote it down at the installation. */
function drawCode(pdf: Pdf, text: string, x: number, y: number): void {
  const { size, data } = encode(text, { border: 0 });
  const dot = codeSize / size;
  for (const [row, dots] of data.entries()) {
    for (const [column, isDark] of dots.entries()) {
      if (isDark) pdf.rect(x + column * dot, y + row * dot, dot + 0.05, dot + 0.05);
    }
  }
  pdf.fill(ink.text);
}

function drawOverview(pdf: Pdf, { words, windows }: ReportModel): void {
  heading(pdf, words.overview);
  for (const { title, bounds, causes, exemption } of windows) {
    ensure(pdf, 44);
    const [began, ended] = bounds;
    paragraph(pdf, `${title}: ${causes.join("; ")}`, { size: 9, font: face.bold }, { gap: 0 });
    paragraph(pdf, `${words.began} ${began?.claimed}`, body, { x: sheet.side + 12, width: textWidth - 12, gap: 0 });
    paragraph(pdf, `${words.ended} ${ended?.claimed}`, body, { x: sheet.side + 12, width: textWidth - 12, gap: 0 });
    paragraph(pdf, exemption, { size: 9, colour: ink.soft }, { x: sheet.side + 12, width: textWidth - 12, gap: 6 });
  }
}

function drawWindow(pdf: Pdf, window: WindowSection, { words }: ReportModel): void {
  ensure(pdf, 120);
  pdf.y += 6;
  paragraph(pdf, window.title, { size: 13, font: face.bold }, { gap: 1 });
  paragraph(pdf, `${words.identifier} ${window.id}`, { size: 7.5, colour: ink.soft }, { gap: 5 });
  nameAndText(pdf, words.exempt, window.exemption, textWidth, face.bold);
  nameAndText(pdf, "", window.because, textWidth);
  for (const [index, cause] of window.causes.entries()) {
    nameAndText(
      pdf,
      index === 0 ? words.cause : "",
      cause,
      textWidth,
      window.causes.length === 1 ? face.bold : face.plain,
    );
  }
  nameAndText(pdf, words.scans, window.scans, textWidth);

  heading(pdf, words.bounds);
  for (const { what, claimed, proven } of window.bounds) {
    nameAndText(pdf, `${what}, ${words.claimed}`, claimed, textWidth);
    if (proven !== "") nameAndText(pdf, words.proven, proven, textWidth);
  }
  paragraph(pdf, words.boundsNote, { size: 7.5, colour: ink.soft });

  if (window.timeline === null) {
    heading(pdf, words.picture);
    paragraph(pdf, words.noSamples, body);
  } else {
    ensure(pdf, 110 + window.timeline.rows.length * 15);
    heading(pdf, words.picture);
    drawTimeline(pdf, window.timeline, words);
  }
  if (window.gaps !== null) paragraph(pdf, window.gaps, { size: 8, colour: ink.soft });
  drawList(pdf, words.steps, window.steps, (index) => `${index + 1}.`);
  drawList(pdf, words.support, window.support, () => "–");
  drawList(pdf, words.added, window.added, () => "–");
}

function drawList(pdf: Pdf, title: string, items: readonly string[], mark: (index: number) => string): void {
  if (items.length === 0) return;
  heading(pdf, title);
  for (const [index, item] of items.entries()) {
    pdf.font(face.plain).fontSize(9);
    ensure(pdf, Math.min(200, pdf.heightOfString(winAnsi(item), { width: textWidth - 16, lineGap: 1.5 })));
    const { y } = pdf;
    pdf.fillColor(ink.soft).text(mark(index), sheet.side, y, { width: 14, lineBreak: false });
    pdf.y = y;
    paragraph(pdf, item, body, { x: sheet.side + 16, width: textWidth - 16, gap: 2 });
  }
}

function drawLimits(pdf: Pdf, { words, verifyCommand }: ReportModel): void {
  drawList(pdf, words.limits, words.limitsAre, () => "–");
  heading(pdf, words.check);
  paragraph(pdf, words.checkHow, body);
  for (const command of verifyCommand.split("|")) {
    paragraph(
      pdf,
      command.trim(),
      { size: 8.5, font: face.mono },
      { x: sheet.side + 12, width: textWidth - 12, gap: 1 },
    );
  }
}

function drawFeet(pdf: Pdf, { words, facts }: ReportModel): void {
  const { start, count } = pdf.bufferedPageRange();
  const site = facts[0]?.text ?? "";
  for (let index = 0; index < count; index += 1) {
    pdf.switchToPage(start + index);
    // The foot stands below the margin, where pdfkit would begin a page for it.
    pdf.page.margins.bottom = 0;
    const y = sheet.height - 42;
    pdf
      .lineWidth(0.5)
      .strokeColor(ink.line)
      .moveTo(sheet.side, y - 7)
      .lineTo(sheet.width - sheet.side, y - 7)
      .stroke();
    pdf.font(face.plain).fontSize(7.5).fillColor(ink.soft);
    const left = winAnsi(`${words.derivedShort} · ${site}`);
    pdf.text(left, sheet.side, y, { width: textWidth - 90, height: 10, ellipsis: true });
    const page = winAnsi(words.page(index + 1, count));
    pdf.text(page, sheet.width - sheet.side - 90, y, { width: 90, align: "right", lineBreak: false });
  }
}
