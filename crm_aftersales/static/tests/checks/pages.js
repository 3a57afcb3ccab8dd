/**
 * Looks at pages as people do who do not see well, use no mouse, or hold a phone.
 *
 * Run by test_pages.py inside a page of the site: each page is opened in a frame as wide as a
 * screen. What belongs to Odoo's own header, footer and conversation is not looked at.
 */

const NOT_OURS = "header, footer, #discussion, .o_portal_chatter, .o_frontend_to_backend_nav";
const FIELDS = "input:not([type=hidden]), select, textarea";
const CONTRAST = 4.5;
const CONTRAST_LARGE = 3;
const TARGET = 44;

function isShown(el) {
    const box = el.getBoundingClientRect();
    const style = getComputedStyle(el);
    const hidden = style.visibility === "hidden" || style.opacity === "0";
    return box.width > 1 && box.height > 1 && box.right > 0 && !hidden;
}

/** What is ours on a page and can be seen. */
function ours(doc, selector) {
    return [...doc.querySelectorAll(selector)].filter((el) => !el.closest(NOT_OURS) && isShown(el));
}

function nameOf(el) {
    const labels = [...(el.labels || [])].map((label) => label.textContent);
    const by = (el.getAttribute("aria-labelledby") || "").split(" ").filter(Boolean);
    const texts = by.map((id) => el.ownerDocument.getElementById(id)?.textContent);
    const images = [...el.querySelectorAll("img")].map((image) => image.alt);
    const names = [el.getAttribute("aria-label"), ...texts, ...labels, ...images, el.title];
    return [...names, el.matches(FIELDS) ? "" : el.textContent].join(" ").trim();
}

function say(el) {
    const text = (el.textContent || "").trim().replace(/\s+/g, " ").slice(0, 30);
    return `<${el.tagName.toLowerCase()} class="${el.className}" id="${el.id}"> ${text}`;
}

function parseColor(text) {
    const [r, g, b, a = 1] = text.match(/[\d.]+/g).map(Number);
    return { r, g, b, a };
}

function over(top, below) {
    const mix = (name) => top[name] * top.a + below[name] * (1 - top.a);
    return { r: mix("r"), g: mix("g"), b: mix("b"), a: 1 };
}

/** The colour behind an element, undefined where it stands on a picture. */
function backgroundOf(el) {
    const layers = [];
    for (let node = el; node; node = node.parentElement) {
        const style = getComputedStyle(node);
        if (style.backgroundImage !== "none") {
            return undefined;
        }
        layers.push(parseColor(style.backgroundColor));
        if (layers.at(-1).a === 1) {
            break;
        }
    }
    const white = { r: 255, g: 255, b: 255, a: 1 };
    return layers.reverse().reduce((below, top) => over(top, below), white);
}

function luminance({ r, g, b }) {
    const part = (value) =>
        value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4;
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
}

function contrastOf(el) {
    const background = backgroundOf(el);
    if (!background) {
        return Infinity;
    }
    const text = over(parseColor(getComputedStyle(el).color), background);
    const [dark, light] = [luminance(background), luminance(text)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
}

const RULES = {
    language: (doc) => (doc.documentElement.lang ? [] : ["the page has no language"]),
    title: (doc) => (doc.title.trim() ? [] : ["the page has no title"]),
    headings(doc) {
        const headings = [...doc.querySelectorAll("main h1, main h2, main h3, main h4")].filter(
            (el) => !el.closest(NOT_OURS)
        );
        const levels = headings.map((el) => Number(el.tagName[1]));
        const faults = levels.filter((level) => level === 1).length === 1 ? [] : ["not one h1"];
        const skips = headings.filter((_el, n) => n && levels[n] > levels[n - 1] + 1);
        return faults.concat(skips.map(say));
    },
    labels: (doc) => ours(doc, FIELDS).filter((el) => !nameOf(el)).map(say),
    names: (doc) => ours(doc, "a[href], button, summary").filter((el) => !nameOf(el)).map(say),
    groups: (doc) =>
        ours(doc, "input[type=radio]")
            .filter((el) => !el.closest("fieldset")?.querySelector("legend"))
            .map(say),
    pictures: (doc) =>
        ours(doc, "img, svg")
            .filter((el) => !el.hasAttribute("alt") && el.ariaHidden !== "true" && !el.ariaLabel)
            .map(say),
    ids(doc) {
        const els = [...doc.querySelectorAll("[id]")];
        const ids = els.filter((el) => !el.closest(NOT_OURS)).map((el) => el.id);
        return ids.filter((id) => els.filter((el) => el.id === id).length > 1);
    },
    focusOrder: (doc) =>
        ours(doc, "[tabindex]")
            .filter((el) => el.tabIndex > 0)
            .map(say),
    focusIsSeen: (doc) =>
        ours(doc, `main a[href], main button, main summary, main :is(${FIELDS})`)
            .filter((el) => {
                el.focus({ focusVisible: true });
                const shown = el.matches(".btn-check") ? el.labels[0] : el;
                const style = getComputedStyle(shown);
                const ring = style.outlineStyle !== "none" || style.boxShadow !== "none";
                return doc.activeElement === el && !ring;
            })
            .map(say),
    contrast: (doc) =>
        ours(doc, "main *")
            .filter((el) => [...el.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
            .filter((el) => {
                const style = getComputedStyle(el);
                const size = parseFloat(style.fontSize);
                const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
                return contrastOf(el) < (large ? CONTRAST_LARGE : CONTRAST);
            })
            .map((el) => `${contrastOf(el).toFixed(2)} ${say(el)}`),
    targets: (doc) =>
        ours(doc, "main .btn, main button, main select, main input:not([type=hidden])")
            .filter((el) => {
                // a label is pressed, too
                const boxes = [el, ...(el.labels || [])].map((part) => part.getBoundingClientRect());
                return Math.max(...boxes.map((box) => box.height)) < TARGET - 0.5;
            })
            .map(say),
    width(doc) {
        const root = doc.documentElement;
        const faults = root.scrollWidth > root.clientWidth ? [`${root.scrollWidth} px`] : [];
        const boxes = ours(doc, `main *:not(${FIELDS})`);
        const cut = boxes.filter(
            (el) => getComputedStyle(el).overflowX !== "visible" && el.scrollWidth > el.clientWidth + 1
        );
        return faults.concat(cut.map(say));
    },
};

function findFaults(doc) {
    return Object.entries(RULES).flatMap(([name, rule]) =>
        rule(doc).map((fault) => `${name}: ${fault}`)
    );
}

async function openFrame(width, source) {
    const frame = document.createElement("iframe");
    Object.assign(frame.style, { width: `${width}px`, height: "844px", border: "0" });
    const loaded = new Promise((resolve) => frame.addEventListener("load", resolve, { once: true }));
    Object.assign(frame, source);
    document.body.append(frame);
    await loaded;
    await frame.contentDocument.fonts.ready;
    return frame;
}

function report(complaints) {
    if (complaints.length) {
        console.error(complaints.join("\n"));
    } else {
        console.log("test successful");
    }
}

/** Complain of every fault of some pages, at each width. */
async function checkPages(urls, widths) {
    const complaints = [];
    for (const url of urls) {
        for (const width of widths) {
            const frame = await openFrame(width, { src: url });
            const said = findFaults(frame.contentDocument);
            complaints.push(...said.map((fault) => `${url} at ${width}: ${fault}`));
            frame.remove();
        }
    }
    report(complaints);
}

/** See that every rule finds its fault on a page that has all of them. */
async function checkRules() {
    const bad = `<html><head><title> </title></head><body style="background: white"><main>
        <h3>Skipped</h3><input style="height: 20px"><button style="height: 20px"></button>
        <input type="radio" style="outline: none"><img src="/logo.png" width="20" height="20">
        <p id="twice" style="color: #999">Pale</p><p id="twice" tabindex="3">First</p>
        <a href="#" style="outline: none">Nowhere</a>
        <div style="width: 900px">Wide</div></main></body></html>`;
    const frame = await openFrame(390, { srcdoc: bad });
    const found = new Set(findFaults(frame.contentDocument).map((fault) => fault.split(":")[0]));
    const blind = Object.keys(RULES).filter((rule) => !found.has(rule));
    report(blind.map((rule) => `${rule} finds nothing`));
}
