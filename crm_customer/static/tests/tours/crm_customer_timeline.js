import { registry } from "@web/core/registry";

const ENTRY = ".o_crm_timeline_entry";

function expectEntries(count) {
    return {
        content: `${count} events are shown`,
        trigger: `.o_crm_timeline:has(.o_crm_timeline_list:not(.opacity-50))`,
        run: async ({ waitFor }) => {
            await waitFor(`${ENTRY}:count(${count})`).catch(() => {});
            const found = document.querySelectorAll(ENTRY).length;
            if (found !== count) {
                throw new Error(`${found} events instead of ${count}`);
            }
        },
    };
}

registry.category("web_tour.tours").add("crm_customer_timeline", {
    steps: () => [
        {
            content: "Open the customer file",
            trigger: ".o_notebook .nav-link[name=customer_file]",
            run: "click",
        },
        {
            content: "The first page is there, and there is more",
            trigger: ".o_crm_timeline_more:enabled",
        },
        expectEntries(40),
        {
            content: "Load more",
            trigger: ".o_crm_timeline_more:enabled",
            run: "click",
        },
        {
            content: "Everything is shown",
            trigger: `.o_crm_timeline:not(:has(.o_crm_timeline_more)) ${ENTRY}[data-source='sale.order']`,
        },
        expectEntries(61),
        {
            content: "Choose days before anything happened",
            trigger: ".o_crm_timeline_to",
            run: ({ anchor }) => {
                anchor.value = "2025-12-31";
                anchor.dispatchEvent(new Event("change", { bubbles: true }));
            },
        },
        {
            content: "Nothing matches",
            trigger: ".o_crm_timeline_empty .o_crm_timeline_clear",
            run: "click",
        },
        {
            content: "The days are gone",
            trigger: ".o_crm_timeline_more:enabled",
            run: () => {
                if (document.querySelector(".o_crm_timeline_to").value) {
                    throw new Error("the day is still there");
                }
            },
        },
        {
            content: "There are files to take away",
            trigger: ".o_crm_timeline_export",
            run: "click",
        },
        {
            content: "One of them for Excel",
            trigger: ".o_crm_timeline_export_xlsx",
        },
        {
            content: "Close the menu",
            trigger: ".o_crm_timeline_export",
            run: "click",
        },
        {
            content: "Show orders only",
            trigger: ".o_crm_timeline_chip[data-source='sale.order']",
            run: "click",
        },
        {
            content: "Only the order is left",
            trigger: `.o_crm_timeline:not(:has(${ENTRY}[data-source='mail.message'])) .o_crm_timeline_chip[aria-pressed='true']`,
        },
        {
            content: "Search for what is not there",
            trigger: ".o_crm_timeline_search input",
            run: "edit no such order",
        },
        {
            content: "The empty state offers a way back",
            trigger: ".o_crm_timeline_empty .o_crm_timeline_clear",
            run: "click",
        },
        {
            content: "The filters are gone",
            trigger: ".o_crm_timeline_chip[data-source='sale.order'][aria-pressed='false']",
        },
        {
            content: "Search",
            trigger: ".o_crm_timeline_search input",
            run: "edit TOUR-1",
        },
        {
            content: "Open the order that was found",
            trigger: `.o_crm_timeline:not(:has(${ENTRY}[data-source='mail.message'])) ${ENTRY}[data-source='sale.order']`,
            run: "click",
        },
        {
            content: "The order is open",
            trigger: ".o_form_view .o_field_widget[name=order_line]",
        },
    ],
});
