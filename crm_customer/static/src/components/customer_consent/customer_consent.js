import { Component, onMounted, onWillUpdateProps, useState } from "@odoo/owl";

import { deserializeDateTime } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { KeepLast } from "@web/core/utils/concurrency";
import { useService } from "@web/core/utils/hooks";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

const { DateTime } = luxon;

const ICONS = {
    in: "fa-check-circle",
    pending: "fa-hourglass-half",
    out: "fa-ban",
};

/** What a customer agreed to, by purpose and channel; a touch records a new decision. */
export class CustomerConsent extends Component {
    static template = "crm_customer.CustomerConsent";
    static props = { ...standardWidgetProps };

    setup() {
        this.action = useService("action");
        this.orm = useService("orm");
        this.keepLast = new KeepLast();
        this.state = useState({ status: "loading", overview: null }); // loading, ready, error
        onMounted(() => this.load());
        onWillUpdateProps((nextProps) => {
            if (nextProps.record.resId !== this.props.record.resId) {
                this.load(nextProps.record.resId);
            }
        });
    }

    // ------------------------------------------------------------
    // Getters
    // ------------------------------------------------------------

    get introduction() {
        return _t(
            "What %(company)s may contact this customer about, and how. Safety notices are always sent.",
            { company: this.state.overview.company }
        );
    }

    /** Icon and words say it; colour only repeats it. */
    getIcon(cell) {
        if (cell.left_alone) {
            return ICONS.out;
        }
        return ICONS[cell.status] || (cell.allowed ? "fa-circle-o" : "fa-minus-circle");
    }

    getColor(cell) {
        if (cell.left_alone) {
            return "text-danger";
        }
        if (cell.status === "pending") {
            return "text-warning-emphasis";
        }
        if (cell.status === "none") {
            return "text-muted";
        }
        return cell.allowed ? "text-success" : "text-danger";
    }

    getText(cell) {
        if (cell.left_alone && cell.status !== "out") {
            return _t("Left alone");
        }
        const texts = {
            in: _t("Agreed"),
            pending: _t("To be confirmed"),
            out: _t("Refused"),
        };
        return texts[cell.status] || (cell.allowed ? _t("Not refused") : _t("Not agreed"));
    }

    getSince(cell) {
        return cell.since ? deserializeDateTime(cell.since).toLocaleString(DateTime.DATE_MED) : "";
    }

    // ------------------------------------------------------------
    // Loading
    // ------------------------------------------------------------

    async load(resId = this.props.record.resId) {
        if (!resId) {
            return;
        }
        try {
            this.state.overview = await this.keepLast.add(
                this.orm.call("res.partner", "get_consent_overview", [resId])
            );
            this.state.status = "ready";
        } catch {
            this.state.status = "error";
        }
    }

    // ------------------------------------------------------------
    // Handlers
    // ------------------------------------------------------------

    change(purpose, cell) {
        return this.run("action_change_consent", {
            default_purpose: purpose.key,
            default_channel: cell.channel,
            default_status: cell.allowed ? "out" : "in",
        });
    }

    async run(method, context = {}) {
        const action = await this.orm.call("res.partner", method, [this.props.record.resId]);
        await this.action.doAction(action, {
            additionalContext: { ...action.context, ...context },
            onClose: () => this.load(),
        });
    }
}

export const customerConsent = {
    component: CustomerConsent,
};

registry.category("view_widgets").add("crm_customer_consent", customerConsent);
