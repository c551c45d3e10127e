"""Colours, fonts and contrast of the page, as a Gradio theme. No font is fetched: system CJK fonts only."""

import gradio as gr

SANS = (
    "system-ui", "-apple-system", "PingFang SC", "Microsoft YaHei", "Noto Sans SC", "Noto Sans CJK SC",
    "Source Han Sans SC", "sans-serif",
)  # fmt: skip
MONO = ("ui-monospace", "Consolas", "Noto Sans Mono CJK SC", "monospace")


def theme() -> gr.themes.Base:
    """Amber on stone; texts, placeholders and buttons meet WCAG AA in light and dark."""
    base = gr.themes.Base(
        primary_hue="amber", secondary_hue="orange", neutral_hue="stone", radius_size="lg", font=SANS, font_mono=MONO
    )
    return base.set(
        body_background_fill="*neutral_50",
        body_background_fill_dark="*neutral_950",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        block_label_text_color="*neutral_700",
        block_label_text_color_dark="*neutral_200",
        block_title_text_color="*neutral_700",
        block_title_text_color_dark="*neutral_200",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
        input_placeholder_color="*neutral_500",
        input_placeholder_color_dark="*neutral_400",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover_dark="*primary_800",
        button_primary_text_color="white",
        button_primary_text_color_dark="white",
        button_cancel_background_fill="*neutral_700",
        button_cancel_background_fill_dark="*neutral_600",
        button_cancel_text_color="white",
        button_cancel_text_color_dark="white",
        color_accent="*primary_700",
        link_text_color="*primary_800",
        link_text_color_dark="*primary_300",
        slider_color="*primary_700",
        checkbox_background_color_selected="*primary_700",
        checkbox_background_color_selected_dark="*primary_700",
    )
