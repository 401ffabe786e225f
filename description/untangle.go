package description

import (
	"slices"

	"github.com/beevik/etree"

	"upnp/description/xmldoc"
)

// What holds text and no elements; what holds elements; and what of that is never inside of its like.
var (
	texts = []string{
		"friendlyname", "devicetype", "manufacturer", "manufacturerurl", "modeldescription", "modelname", "modelnumber",
		"modelurl", "serialnumber", "udn", "upc", "presentationurl", "urlbase", "major", "minor",
		"servicetype", "serviceid", "scpdurl", "controlurl", "eventsuburl", "mimetype", "width", "height", "depth", "url",
		"name", "direction", "relatedstatevariable", "datatype", "defaultvalue", "allowedvalue", "minimum", "maximum", "step",
	}
	lists = []string{
		"specversion", "device", "devicelist", "service", "servicelist", "icon", "iconlist", "actionlist", "action",
		"argumentlist", "argument", "servicestatetable", "statevariable", "allowedvaluelist", "allowedvaluerange",
	}
	apart = []string{"service", "icon", "action", "argument", "statevariable"}
)

// untangle undoes what a lost end tag does: elements that stand inside of one that cannot hold them
// become its neighbours, so that a broken item does not swallow those behind it.
func untangle(e *etree.Element) {
	var order []etree.Token // nil while nothing has moved
	for i, token := range e.Child {
		if order != nil {
			order = append(order, token)
		}
		child, ok := token.(*etree.Element)
		if !ok || !hasElements(child) {
			continue
		}
		untangle(child)
		if strays := takeStrays(child); len(strays) > 0 {
			if order == nil {
				order = slices.Clone(e.Child[:i+1])
			}
			order = append(order, strays...)
		}
	}
	if order != nil {
		replace(e, order)
	}
}

// replace gives e other children.
func replace(e *etree.Element, children []etree.Token) {
	for len(e.Child) > 0 {
		e.RemoveChildAt(len(e.Child) - 1)
	}
	for _, token := range children {
		e.AddChild(token)
	}
}

// takeStrays removes from e the elements that it cannot hold, and returns them in their order.
func takeStrays(e *etree.Element) (strays []etree.Token) {
	isText, isApart := isOneOf(e.Tag, texts), isOneOf(e.Tag, apart)
	if !isText && !isApart {
		return nil
	}
	var kept []etree.Token
	for _, token := range e.Child {
		child, ok := token.(*etree.Element)
		if ok && (isText && (isOneOf(child.Tag, texts) || isOneOf(child.Tag, lists)) || isApart && xmldoc.EqualName(child.Tag, e.Tag)) {
			strays = append(strays, token)
		} else {
			kept = append(kept, token)
		}
	}
	if len(strays) > 0 {
		replace(e, kept)
	}
	return strays
}

func isOneOf(tag string, names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return xmldoc.EqualName(name, tag) })
}

func hasElements(e *etree.Element) bool {
	for _, token := range e.Child {
		if _, ok := token.(*etree.Element); ok {
			return true
		}
	}
	return false
}
