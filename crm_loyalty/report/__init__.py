from . import loyalty_statement_report
