import { registry } from "@web/core/registry";

/** Started on the form of a suggestion, which is gone after the merge. */
registry.category("web_tour.tours").add("crm_customer_merge", {
    steps: () => [
        {
            content: "merge",
            trigger: ".o_form_statusbar button[name=action_merge]",
            run: "click",
        },
        {
            content: "in the wizard of Odoo",
            trigger: ".o_dialog button[name=action_merge]",
            run: "click",
        },
        {
            content: "back to the suggestions that are left",
            trigger: ".o_list_view:not(:has(.o_data_row:contains('Tour Twin')))",
        },
        {
            content: "no dialog is left open, and nothing was missing",
            trigger: "body:not(:has(.o_dialog)):not(:has(.o_notification_bar.bg-danger)) .o_notification:contains('Contacts Merged')",
        },
    ],
});
