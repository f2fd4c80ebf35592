from __future__ import annotations


def page(outcome, facts):
    return ""


def found_page(found, criteria, facts):
    return ""
