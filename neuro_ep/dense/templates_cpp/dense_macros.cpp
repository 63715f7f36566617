{# A factor as a pointer to (replicas x n) values: an array, or computed into one. #}
{% macro vector(factor, name, slot) %}
{% if factor.array is not none %}
const real* {{name}} = {{get_array_name(factor.array)}};
{% else %}
real* {{name}} = neuro_ep::scratch<real>({{slot}}, _replicas * {{factor.n}});
{{fill(factor, name)}}
{% endif %}
{% endmacro %}

{# Compute a factor into the memory that a name points to, times a scale; or add it. #}
{% macro fill(factor, name, scale="", assign="=") %}
{% if factor.array is not none %}
for (int _k = 0; _k < _replicas * {{factor.n}}; _k++)
    {{name}}[_k] {{assign}} {{scale}}{{get_array_name(factor.array)}}[_k];
{% else %}
{
    const size_t _vectorisation_idx = -1;
    {{scalar_code[factor.block]|autoindent}}
    for (int {{factor.index}} = 0; {{factor.index}} < _replicas * {{factor.n}}; {{factor.index}}++)
    {
        const size_t _vectorisation_idx = {{factor.index}};
        {{vector_code[factor.block]|autoindent}}
        {{name}}[{{factor.index}}] {{assign}} {{scale}}_factor;
    }
}
{% endif %}
{% endmacro %}

{# What a held source keeps, as one object. #}
{% macro keep(kept) %}
neuro_ep::Held<{{c_data_type(scalar)}}> _held = {
    {% for name in ("_held_source", "_held_current", "_held_pending", "_held_gram", "_held_flags") %}
    {{get_array_name(kept[name])}},
    {% endfor %}
    {{replicas}}, {{n_pre}}, {{n_post}}};
{% endmacro %}
