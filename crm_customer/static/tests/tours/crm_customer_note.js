import { registry } from "@web/core/registry";

/** Started on the form of a contact; a confidential note of a colleague stands there already. */
registry.category("web_tour.tours").add("crm_customer_note", {
    steps: () => [
        {
            content: "open the customer file",
            trigger: "a.nav-link[name=customer_file]",
            run: "click",
        },
        {
            content: "a confidential note carries a lock",
            trigger: ".o_crm_note:contains('takes insulin') .fa-lock",
        },
        {
            content: "begin a note",
            trigger: ".o_crm_notes_add",
            run: "click",
        },
        {
            content: "an empty note cannot be saved",
            trigger: ".o_crm_notes_save:disabled",
        },
        {
            content: "write it",
            trigger: ".o_crm_notes_text",
            run: "edit Two ashtrays on the tea table",
        },
        {
            content: "a category proposes who reads it",
            trigger: ".o_crm_notes_category:contains('Health')",
            run: "click",
        },
        {
            content: "confidential is proposed",
            trigger: ".o_crm_notes_visibility:has(option[value=confidential]:checked)",
        },
        {
            content: "another category",
            trigger: ".o_crm_notes_category:contains('Habits')",
            run: "click",
        },
        {
            content: "save",
            trigger: ".o_crm_notes_save:enabled",
            run: "click",
        },
        {
            content: "the note stands first, the composer is gone",
            trigger:
                ".o_crm_notes:not(:has(.o_crm_notes_composer)) li:first-child .o_crm_note:contains('Two ashtrays')",
        },
    ],
});
